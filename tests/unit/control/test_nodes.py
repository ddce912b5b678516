"""Which nodes count, which may get something new, and what only an operator may say."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest

from handshake.agent.heartbeat import PRESENCE_SECONDS, Heartbeat
from handshake.catalog.codec import encode
from handshake.catalog.entries import Endpoint, HeldLock, Write
from handshake.catalog.journal import read_journal
from handshake.catalog.keys import ASSIGNMENTS, INSTANCES, LEADER, NODES, assignment_key, instance_key
from handshake.core.errors import ConflictError, RefusedError
from handshake.fleet.nodes import Node, NodeRegister, NodeState, explain_node, read_nodes
from handshake.leader.leader import clear_node
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock

POLICY = ("n1", "n2", "n3")


@dataclass(kw_only=True)
class Agent:
    """A node's agent that does nothing but say that it is there, by a clock of its own."""

    catalog: MemoryCatalog
    name: str
    clock: FakeClock = field(default_factory=FakeClock)
    presence: Heartbeat = field(init=False)

    def __post_init__(self) -> None:
        self.presence = Heartbeat(
            self.catalog,
            self.clock,
            node=self.name,
            address=f"10.0.0.{self.name[1]}",
            is_home=self.name == "n1",
        )

    def speak(self) -> None:
        """Look at the others' words, and renew the own one when it is due."""
        self.presence.cycle(self.catalog.read(NODES))


def states(catalog: MemoryCatalog) -> dict[str, NodeState]:
    """Return what is known of each node."""
    return {node.name: node.state for node in read_nodes(catalog, POLICY).all}


def test_a_node_counts_from_its_first_word_on() -> None:
    """A node that the policy names and that never spoke holds nothing up."""
    catalog = MemoryCatalog()
    Agent(catalog=catalog, name="n1").speak()
    nodes = read_nodes(catalog, POLICY)
    assert (nodes.named, nodes.answering) == (("n1",), ("n1",))
    assert states(catalog)["n2"] is NodeState.ABSENT


def test_a_silent_node_counts_and_gets_nothing_new() -> None:
    """Once its session has ended, its acks are still awaited."""
    catalog = MemoryCatalog()
    for name in ("n1", "n2"):
        agent = Agent(catalog=catalog, name=name)
        agent.speak()
    agent.presence.give_up()
    nodes = read_nodes(catalog, POLICY)
    assert (nodes.named, nodes.answering, nodes.silent) == (("n1", "n2"), ("n1",), ("n2",))


def test_an_agent_that_was_killed_speaks_again_at_once() -> None:
    """The next agent of the node ends the session of the one before it."""
    catalog = MemoryCatalog()
    Agent(catalog=catalog, name="n2").speak()
    Agent(catalog=catalog, name="n2").speak()
    assert states(catalog)["n2"] is NodeState.ANSWERS


def test_a_word_that_was_lost_is_said_again() -> None:
    """After the session has ended, the next cycle opens another."""
    catalog = MemoryCatalog()
    agent = Agent(catalog=catalog, name="n2")
    agent.speak()
    agent.presence.give_up()
    agent.clock.advance(PRESENCE_SECONDS)
    agent.speak()
    assert states(catalog)["n2"] is NodeState.ANSWERS


@pytest.mark.parametrize(("ahead", "said"), [(3.0, "ahead of"), (-3.0, "behind"), (0.5, "")])
def test_a_clock_that_differs_is_told(ahead: float, said: str) -> None:
    """A node measures its clock against each new word of the home node; 2 s are a problem."""
    catalog = MemoryCatalog()
    home = Agent(catalog=catalog, name="n1")
    other = Agent(catalog=catalog, name="n2", clock=FakeClock(home.clock.now() + ahead))
    for _ in range(3):
        home.speak()
        other.speak()
        for agent in (home, other):
            agent.clock.advance(PRESENCE_SECONDS)
    node = read_nodes(catalog, POLICY).all[1]
    assert node.ahead_seconds == ahead
    assert said in explain_node(node)
    assert bool(explain_node(node)) == bool(said)


def test_an_old_word_tells_nothing_of_clocks() -> None:
    """The first word that an agent finds may have been said long ago."""
    catalog = MemoryCatalog()
    home = Agent(catalog=catalog, name="n1")
    home.speak()
    late = Agent(catalog=catalog, name="n2", clock=FakeClock(home.clock.now() + 3600))
    late.speak()
    assert read_nodes(catalog, POLICY).all[1].ahead_seconds == 0.0


def test_a_removed_node_counts_for_nothing_until_it_is_invited() -> None:
    """Removing and inviting are an operator's words, with a reason, in the journal."""
    catalog, clock = MemoryCatalog(), FakeClock()
    Agent(catalog=catalog, name="n2").speak()
    register = NodeRegister(catalog, clock)
    register.remove("n2", POLICY, who="ada", reason="its disk is gone")
    assert read_nodes(catalog, POLICY).removed == ("n2",)
    assert read_nodes(catalog, POLICY).named == ()
    assert read_journal(catalog)[0].what == "removed node n2: its disk is gone"
    register.admit("n2", POLICY, who="ada")
    assert read_nodes(catalog, POLICY).named == ("n2",)


@pytest.mark.parametrize("name", ["n1", "n9"])
def test_neither_the_home_node_nor_a_stranger_is_removed(name: str) -> None:
    """The catalogue is on the home node; a name that the policy does not have is a mistake."""
    with pytest.raises(RefusedError):
        NodeRegister(MemoryCatalog(), FakeClock()).remove(name, POLICY, who="ada", reason="because")


@pytest.mark.parametrize("state", [NodeState.SILENT, NodeState.ABSENT, NodeState.REMOVED])
def test_every_state_but_one_is_explained_with_a_way_out(state: NodeState) -> None:
    """What an operator should know ends in the verb that changes it."""
    assert "handshake node " in explain_node(Node(name="n2", state=state))
    assert not explain_node(Node(name="n2", state=NodeState.ANSWERS))


class Books:
    """A leader's catalogue with many instances on n2 and one on n1."""

    COUNT = 70

    def __init__(self) -> None:
        self.catalog = MemoryCatalog()
        self.fence = HeldLock(key=LEADER, session=self.catalog.open_session("leader", 10))
        self.catalog.acquire(LEADER, b"me", self.fence.session)
        self._put("n1", "hamm-kept")
        for number in range(self.COUNT):
            self._put("n2", f"hamm-{number:02d}")

    def _put(self, node: str, instance: str) -> None:
        keys = (assignment_key(node, instance), instance_key(node, instance))
        self.catalog.transact([Write(key=key, value=encode("anything")) for key in keys])
        self.catalog.register(Endpoint(id=instance, service="hamm", host="10.0.0.2", port=1, node=node), 60)

    @property
    def left(self) -> list[str]:
        """What is still on the books."""
        entries = (*self.catalog.read(ASSIGNMENTS).entries, *self.catalog.read(INSTANCES).entries)
        return [entry.key.rpartition("/")[2] for entry in entries]


def test_what_a_removed_node_ran_is_taken_off_the_books() -> None:
    """However much it was, and nothing of the others; the routers forget its members."""
    books = Books()
    outcome = clear_node(books.catalog, "n2", fence=books.fence, now=1.0)
    assert outcome.changed
    assert books.left == ["hamm-kept", "hamm-kept"]
    assert [endpoint.id for endpoint in books.catalog.endpoints("hamm").endpoints] == ["hamm-kept"]
    assert not clear_node(books.catalog, "n2", fence=books.fence, now=2.0).changed


def test_who_does_not_lead_clears_nothing() -> None:
    """The fence holds for removals too."""
    books = Books()
    books.catalog.close_session(books.fence.session)
    with pytest.raises(ConflictError):
        clear_node(books.catalog, "n2", fence=books.fence, now=1.0)
    assert len(books.left) == 2 * (Books.COUNT + 1)
