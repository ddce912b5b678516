"""Moving a pool: what is planned from every state, and when it counts as served."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handshake.catalog.entries import Endpoint, Endpoints, Traffic
from handshake.gateway.pool import (
    AddMember,
    Admission,
    CloseMember,
    DrainMember,
    OpenMember,
    PoolMember,
    PoolStep,
    RemoveMember,
    RouterState,
    Unknown,
    Wanted,
    acked_revision,
    explain_waiting,
    plan_pool,
)
from tests.unit.gateway.simulated import SERVICE, SimulatedRouter

NAMES = ["a", "b", "c", "d"]
CYCLES = 30


def endpoint(name: str, port: int = 1, traffic: Traffic = Traffic.OPEN) -> Endpoint:
    return Endpoint(id=name, service=SERVICE, host="127.0.0.1", port=port, traffic=traffic)


def member(
    name: str, *, admission: Admission = Admission.OPEN, is_up: bool = True, sessions: int = 0
) -> PoolMember:
    return PoolMember(
        name=name, host="127.0.0.1", port=1, admission=admission, is_up=is_up, sessions=sessions
    )


def state(*members: PoolMember, leaving: tuple[int, ...] = ()) -> RouterState:
    return RouterState(digest="sha256:abc", process=1, leaving=leaving, pools={SERVICE: members})


def wanted(*endpoints: Endpoint) -> Endpoints:
    return Endpoints(index=7, endpoints=endpoints)


@st.composite
def any_wanted(draw: st.DrawFn) -> Endpoints:
    """Draw endpoints, some of them draining, some at another address than before."""
    chosen = draw(
        st.dictionaries(st.sampled_from(NAMES), st.tuples(st.sampled_from(Traffic), st.integers(1, 2)))
    )
    return wanted(*(endpoint(name, port, traffic) for name, (traffic, port) in chosen.items()))


@st.composite
def any_members(draw: st.DrawFn) -> tuple[PoolMember, ...]:
    """Draw members in whatever state an agent that died, or a person, left them."""
    facts = st.tuples(st.sampled_from(Admission), st.booleans(), st.integers(0, 3))
    chosen = draw(st.dictionaries(st.sampled_from(NAMES), facts))
    return tuple(
        member(name, admission=admission, is_up=is_up, sessions=sessions)
        for name, (admission, is_up, sessions) in sorted(chosen.items())
    )


def is_served(goal: Endpoints, router: SimulatedRouter) -> bool:
    return acked_revision(SERVICE, goal, router.observe(), 0) == goal.index


@given(any_members(), any_wanted())
def test_converges(members: tuple[PoolMember, ...], goal: Endpoints) -> None:
    """From every state the pool becomes what is wanted, and then nothing is planned any more."""
    router = SimulatedRouter(members)
    for _ in range(CYCLES):
        for step in plan_pool(SERVICE, goal, router.observe()):
            router.apply(step)
        router.tick()
    open_names = {each.id for each in goal.endpoints if each.traffic is Traffic.OPEN}
    assert set(router.members) == open_names
    assert all(each.is_serving for each in router.members.values())
    assert is_served(goal, router)
    assert plan_pool(SERVICE, goal, router.observe()) == ()


@given(any_members(), any_wanted())
def test_never_drains_before_the_others_serve(members: tuple[PoolMember, ...], goal: Endpoints) -> None:
    """In every plan, what serves is drained only while each wanted member that could serve does."""
    router = SimulatedRouter(members)
    for _ in range(CYCLES):
        observed = router.observe()
        plan = plan_pool(SERVICE, goal, observed)
        drained = {step.name for step in plan if isinstance(step, DrainMember)}
        serving = {each.name for each in observed.pools[SERVICE] if each.is_serving}
        if drained & serving:
            missing = {each.id for each in goal.endpoints if each.traffic is Traffic.OPEN} - serving
            assert not missing - set(router.members), "one that is wanted is not even added"
            assert all(router.members[name].port != find(goal, name).port for name in missing)
        for step in plan:
            router.apply(step)
        router.tick()


def find(goal: Endpoints, name: str) -> Endpoint:
    return next(each for each in goal.endpoints if each.id == name)


@given(any_members(), any_wanted())
def test_never_removes_a_member_with_requests(members: tuple[PoolMember, ...], goal: Endpoints) -> None:
    """No plan closes or removes a member that has a request in its hands."""
    busy = {each.name for each in members if each.sessions}
    plan = plan_pool(SERVICE, goal, state(*members))
    assert not busy & {step.name for step in plan if isinstance(step, CloseMember | RemoveMember)}


@given(any_members())
def test_ignorance_changes_nothing(members: tuple[PoolMember, ...]) -> None:
    """Where the catalogue does not answer, the last good set stays, and the last ack."""
    assert plan_pool(SERVICE, Unknown.UNKNOWN, state(*members)) == ()
    assert acked_revision(SERVICE, Unknown.UNKNOWN, state(*members), 3) == 3


def test_replacement_step_by_step() -> None:
    """A newcomer is added and opened; the old one drains once it serves, and leaves once it is idle."""
    goal = wanted(endpoint("new"), endpoint("old", traffic=Traffic.DRAINING))
    add = AddMember(service=SERVICE, endpoint=endpoint("new"))
    assert plan_pool(SERVICE, goal, state(member("old"))) == (add, step(OpenMember, "new"))
    assert plan_pool(SERVICE, goal, state(member("new", is_up=False), member("old"))) == ()
    assert plan_pool(SERVICE, goal, state(member("new"), member("old"))) == (step(DrainMember, "old"),)
    draining = member("old", admission=Admission.DRAINING, sessions=2)
    assert plan_pool(SERVICE, goal, state(member("new"), draining)) == ()
    idle = replace(draining, sessions=0)
    leave = (step(CloseMember, "old"), step(RemoveMember, "old"))
    assert plan_pool(SERVICE, goal, state(member("new"), idle)) == leave


def step(kind: type[OpenMember | DrainMember | CloseMember | RemoveMember], name: str) -> PoolStep:
    return kind(service=SERVICE, name=name)


def test_known_to_be_empty() -> None:
    """A service that is known to have no endpoint loses its members: that is no ignorance."""
    assert plan_pool(SERVICE, wanted(), state(member("a"))) == (step(DrainMember, "a"),)


def test_dead_member_leaves_at_once() -> None:
    """A member that is down and no longer wanted holds nobody up, and waits for nobody."""
    plan = plan_pool(
        SERVICE, wanted(endpoint("b")), state(member("a", is_up=False), member("b", is_up=False))
    )
    assert plan == (step(DrainMember, "a"),)


OPEN_A = wanted(endpoint("a"))


@pytest.mark.parametrize(
    ("goal", "observed", "why"),
    [
        (OPEN_A, state(), "a is not serving yet"),
        (OPEN_A, state(member("a", is_up=False)), "a is not serving yet"),
        (OPEN_A, state(member("a", admission=Admission.DRAINING)), "a is not serving yet"),
        (wanted(endpoint("a", port=2)), state(member("a")), "a is not serving yet"),
        (OPEN_A, state(member("a"), member("b", sessions=3)), "b is still draining: 3 requests"),
        (
            wanted(endpoint("a", traffic=Traffic.DRAINING)),
            state(member("a", admission=Admission.CLOSED)),
            "a is still draining: 0 requests",
        ),
        (
            OPEN_A,
            state(member("a"), leaving=(42,)),
            "worker 42 of an earlier configuration still finishes requests",
        ),
        (OPEN_A, RouterState(digest="", process=1), "the running configuration has no pool hamm"),
        (
            Unknown.UNKNOWN,
            state(member("a")),
            "the catalogue does not answer; the last known members are kept",
        ),
    ],
)
def test_not_acknowledged(goal: Wanted, observed: RouterState, why: str) -> None:
    """Each reason to wait is told, and while there is one the ack stays where it was."""
    assert why in explain_waiting(SERVICE, goal, observed)
    assert acked_revision(SERVICE, goal, observed, 5) == 5


def test_acknowledged() -> None:
    """A pool whose open endpoints serve, and that has nobody else, is acknowledged at the catalogue's index."""
    goal = wanted(endpoint("a"), endpoint("b", traffic=Traffic.DRAINING))
    assert acked_revision(SERVICE, goal, state(member("a")), 5) == 7


def test_proof() -> None:
    """The proof of an ack is one line that names the worker, its configuration and every member."""
    assert state(member("a", sessions=2)).proof(SERVICE) == (
        "worker 1 serves sha256:abc; hamm: a at 127.0.0.1:1 open, up, 2 requests"
    )
    assert state().proof(SERVICE) == "worker 1 serves sha256:abc; hamm: no members"
