"""The leader: one at a time, fenced; sites and policies settle on acks and go back on a refusal."""

import pytest

from handshake.catalog.codec import decode
from handshake.catalog.entries import HeldLock
from handshake.catalog.keys import ASSIGNMENTS, LEADER
from handshake.core.digest import digest_bytes
from handshake.core.errors import ConflictError
from handshake.core.outcome import Outcome
from handshake.core.subject import Kind, Subject
from handshake.fleet.engine.placement import Placement
from handshake.fleet.engine.state import Plan, Rollout
from handshake.fleet.engine.steps import Drain, Launch, Retire, Step
from handshake.fleet.instance import Assignment, Generation, InstancePhase, Purpose
from handshake.fleet.rollouts.steps import StepRunner
from handshake.leader.leadership import Leadership
from handshake.pointers.acks import Ack, Refusal
from handshake.pointers.pointer import Pointer
from handshake.pointers.pointers import Pointers
from handshake.pointers.settling import Awaited, Refused, Settled, judge_arrivals
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock

ONE, TWO = digest_bytes(b"one"), digest_bytes(b"two")
GENERATION = Generation(image=ONE)
NODES = ("n1", "n2")


def site(*, revision: int = 2, stable: bool = False) -> Pointer:
    return Pointer(
        subject=Subject(kind=Kind.SITE, name="calls"),
        release=TWO,
        revision=revision,
        stable=TWO if stable else ONE,
        moved_by="ann",
        reason="why",
        moved_at=0.0,
    )


def ack(place: str, revision: int, refusal: Refusal | None = None) -> Ack:
    return Ack(place=place, subject="site/calls", revision=revision, proof="said so", at=0.0, refusal=refusal)


def test_a_site_settles_when_every_cache_serves_it() -> None:
    """Acks of all places at the pointer's revision settle it."""
    acks = (ack("cache@n1", 2), ack("cache@n2", 2))

    assert judge_arrivals([site()], acks, NODES) == (Settled(pointer=site()),)


def test_one_silent_place_holds_a_site() -> None:
    """A place that has not acknowledged the revision is named, and nothing is settled."""
    acks = (ack("cache@n1", 2), ack("cache@n2", 1))

    assert judge_arrivals([site()], acks, NODES) == (Awaited(pointer=site(), places=("cache@n2",)),)


def test_one_refusal_sends_a_site_back() -> None:
    """One place that cannot serve the revision is reason enough to go back everywhere."""
    acks = (ack("cache@n1", 2), ack("cache@n2", 1, Refusal(revision=2, reason="no such file")))
    (arrival,) = judge_arrivals([site()], acks, NODES)

    assert isinstance(arrival, Refused)
    assert arrival.why == "cache@n2 cannot serve it: no such file"


def test_an_old_refusal_counts_no_more() -> None:
    """A refusal of an earlier revision does not report this one."""
    acks = (ack("cache@n1", 2), ack("cache@n2", 2, Refusal(revision=1, reason="old")))

    assert judge_arrivals([site()], acks, NODES) == (Settled(pointer=site()),)


def test_what_is_stable_is_judged_no_more() -> None:
    """A pointer whose release is the stable one needs no arrival."""
    assert judge_arrivals([site(stable=True)], (), NODES) == ()


def test_one_process_leads() -> None:
    """A second process does not lead until the first one gives up."""
    catalog = MemoryCatalog()
    first, second = Leadership(catalog, "one"), Leadership(catalog, "two")

    assert first.keep()
    assert not second.keep()
    first.give_up()
    assert second.keep()


def carry_out(catalog: MemoryCatalog, fence: HeldLock, *steps: Step) -> None:
    """Carry out steps as a leader would, on what is assigned now."""
    clock = FakeClock()
    before = Rollout(service="hamm")
    plan = Plan(
        steps=steps,
        rollout=Rollout(service="hamm", reason="moved"),
        outcome=Outcome(sentence="moved", changed=True),
    )
    runner = StepRunner(catalog, Pointers(catalog, clock), clock)
    runner.carry_out(
        plan,
        before=before,
        assignments=catalog.read(ASSIGNMENTS).entries,
        placement=Placement(NODES, service="hamm", assignments=assignments(catalog)),
        fence=fence,
    )


def assignments(catalog: MemoryCatalog) -> list[Assignment]:
    return [decode(Assignment, entry.value) for entry in catalog.read(ASSIGNMENTS).entries]


def launch() -> Launch:
    return Launch(service="hamm", generation=GENERATION, purpose=Purpose.STEADY)


@pytest.fixture
def catalog() -> MemoryCatalog:
    return MemoryCatalog()


@pytest.fixture
def fence(catalog: MemoryCatalog) -> HeldLock:
    leadership = Leadership(catalog, "one")
    assert leadership.keep()
    return leadership.fence()


def test_launches_spread_over_nodes(catalog: MemoryCatalog, fence: HeldLock) -> None:
    """Each launch goes to the node with the fewest instances."""
    carry_out(catalog, fence, launch(), launch(), launch(), launch())

    nodes = sorted(assignment.node for assignment in assignments(catalog))
    assert nodes == ["n1", "n1", "n2", "n2"]


def test_an_instance_is_drained_then_retired(catalog: MemoryCatalog, fence: HeldLock) -> None:
    """Draining changes the assignment's phase; retiring removes it."""
    carry_out(catalog, fence, launch())
    (assigned,) = assignments(catalog)
    carry_out(catalog, fence, Drain(instance=assigned.instance, why="old"))
    assert [each.phase for each in assignments(catalog)] == [InstancePhase.DRAIN]

    carry_out(catalog, fence, Retire(instance=assigned.instance, why="drained"))
    assert assignments(catalog) == []


def test_a_leader_that_lost_its_lock_changes_nothing(catalog: MemoryCatalog, fence: HeldLock) -> None:
    """What a former leader decides is refused as a whole: the lock is part of the transaction."""
    catalog.close_session(fence.session)

    with pytest.raises(ConflictError):
        carry_out(catalog, fence, launch())

    assert assignments(catalog) == []
    assert catalog.get(LEADER) is not None
