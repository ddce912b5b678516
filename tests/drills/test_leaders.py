"""Drills 9, 10 and 15: leaders that are killed at every write, two at once, one that stands still, clocks that differ."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.drills.conftest import Build
from tests.drills.watching import Watch
from tests.support.catalog import Call, no_fault
from tests.support.clock import FakeClock
from tests.support.memory_host import Behaviour
from tests.support.world import IMAGE, SERVICE, WELL, SimulatedWorld, WorldLeader, images

SMALL = SERVICE.model_copy(update={"floor": 2, "soak_seconds": 3.0, "drain_seconds": 3.0})
CRASHES = Behaviour(ends_after_seconds=5.0, last_words=("no such table",))
WRITES = range(18)
"""More than a roll of two instances or a revert takes."""


class KilledError(BaseException):
    """The process ended here: nobody catches this but the test."""


class Killer:
    """Ends a leader before or after its n-th write, and starts another in its place."""

    def __init__(self, world: SimulatedWorld, write: int, *, is_after: bool) -> None:
        self._world = world
        self._left = write
        self.kills = 0
        way = world.leaders[0].catalog
        way.before, way.after = (no_fault, self._count) if is_after else (self._count, no_fault)

    def tick(self) -> None:
        """Let a second pass; a leader that dies in it has a successor in the next one."""
        try:
            self._world.tick()
        except KilledError:
            self.kills += 1
            self._world.leaders = [self._world.new_leader("successor")]

    def _count(self, call: Call) -> None:
        if call is Call.TRANSACT:
            self._left -= 1
            if self._left < 0:
                raise KilledError


def live(killer: Killer, is_true: Callable[[], bool], watch: Watch) -> None:
    """Let time pass until something is true."""
    for _ in range(300):
        killer.tick()
        watch()
        if is_true():
            return
    raise AssertionError("it never came to an end")


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", WRITES)
def test_leader_killed_at_each_write_of_a_roll(build: Build, write: int, *, is_after: bool) -> None:
    """Drill 9: wherever the leader dies, its successor goes on: nothing twice, nothing below the floor."""
    world: SimulatedWorld = build(service=SMALL)
    world.settle()
    second, watch = world.publish(IMAGE, "second"), Watch(world)
    killer = Killer(world, write, is_after=is_after)

    world.promote(IMAGE, second)
    live(killer, world.is_settled, watch)

    assert images(world.running()) == {second}
    assert watch.fewest >= 2
    assert watch.most <= 2 + 1
    assert world.pointer(IMAGE).revision == 2


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
@pytest.mark.parametrize("write", range(6))
def test_leader_killed_at_each_write_of_a_revert(build: Build, write: int, *, is_after: bool) -> None:
    """Drill 9: wherever the leader dies, a bad release goes back once, having had one instance."""
    world: SimulatedWorld = build(service=SMALL)
    first, before = world.settle(), world.running()
    bad, watch = world.publish(IMAGE, "second", CRASHES), Watch(world)
    killer = Killer(world, write, is_after=is_after)

    world.promote(IMAGE, bad)
    live(killer, lambda: world.pointer(IMAGE).release == first and world.is_settled(), watch)

    assert world.pointer(IMAGE).revision == 3
    assert "no such table" in world.pointer(IMAGE).reason
    assert world.running() == before
    assert watch.seen[bad] == 1


@pytest.mark.parametrize(("behaviour", "tried"), [(WELL, len(WRITES)), (CRASHES, 6)], ids=["roll", "revert"])
def test_no_write_was_left_out(build: Build, behaviour: Behaviour, tried: int) -> None:
    """Drill 9: a roll and a revert have no more writes than there were leaders to kill."""
    world: SimulatedWorld = build(service=SMALL)
    world.settle()
    calls: list[Call] = []
    world.leaders[0].catalog.after = calls.append

    world.promote(IMAGE, world.publish(IMAGE, "second", behaviour))
    world.run_until(lambda: world.pointer(IMAGE).stable == world.pointer(IMAGE).release, "it ends")

    assert 2 <= calls.count(Call.TRANSACT) <= tried


def test_two_leaders_at_once(world: SimulatedWorld) -> None:
    """Drill 10: of two processes one leads; the other one writes nothing, and takes over when the first is gone."""
    other, watch = world.new_leader("other"), Watch(world)
    first, second = world.leaders[0], world.publish(IMAGE, "second")
    world.leaders.append(other)

    world.promote(IMAGE, second)
    world.run(15, watch)
    assert other.outcome.sentence == "another process leads"
    first.is_stopped = True
    world.run_until(world.is_settled, "the other one goes on", watch=watch)

    assert images(world.running()) == {second}
    assert watch.fewest >= 4
    assert watch.most <= 4 + 1
    assert watch.seen[second] == 4


@pytest.mark.parametrize("write", range(4))
def test_a_leader_that_stood_still_writes_nothing_late(world: SimulatedWorld, write: int) -> None:
    """Drill 15: SIGSTOP right before a write; another leads and ends the roll; the late write is refused."""
    sleeper, second = world.leaders[0], world.publish(IMAGE, "second")
    sleep = Sleep(world, sleeper, write)
    sleeper.catalog.before = sleep

    world.promote(IMAGE, second)
    world.run_until(lambda: sleep.is_over, "it stands still and wakes")

    assert "is not held by" in sleeper.outcome.sentence
    assert world.catalog.read("").index == sleep.index
    assert images(world.running()) == {second}
    world.run(20)
    assert world.is_settled()


class Sleep:
    """Stops a leader right before its n-th write, until another has led the world to rest."""

    def __init__(self, world: SimulatedWorld, sleeper: WorldLeader, write: int) -> None:
        self._world = world
        self._sleeper = sleeper
        self._left = write
        self.is_over = False
        self.index = 0

    def __call__(self, call: Call) -> None:
        """Stand still at that one write."""
        if call is not Call.TRANSACT or self.is_over:
            return
        self._left -= 1
        if self._left < 0:
            self.is_over = True
            self._world.leaders = [self._world.new_leader("other")]
            self._world.run_until(self._world.is_settled, "another leads")
            self.index = self._world.catalog.read("").index


class SkewedClock(FakeClock):
    """A clock that is right about durations and wrong about the time."""

    def __init__(self, right: FakeClock, ahead_seconds: float) -> None:
        super().__init__()
        self._right = right
        self._ahead_seconds = ahead_seconds

    def now(self) -> float:
        """Return the wrong time."""
        return self._right.now() + self._ahead_seconds

    def monotonic(self) -> float:
        """Return what every clock agrees on."""
        return self._right.monotonic()


@pytest.mark.parametrize("ahead_seconds", [-30.0, -2.0, 2.0, 30.0, 3600.0])
def test_a_leader_whose_clock_is_wrong(world: SimulatedWorld, ahead_seconds: float) -> None:
    """Drill 15: a leader's wrong clock makes soaks shorter or longer; a roll arrives, and never below the floor."""
    second, watch = world.publish(IMAGE, "second"), Watch(world)
    world.leaders[0].is_stopped = True
    world.leaders.append(world.new_leader("skewed", SkewedClock(world.clock, ahead_seconds)))

    world.promote(IMAGE, second)
    world.run_until(world.is_settled, "the roll arrives", watch=watch)

    assert images(world.running()) == {second}
    assert watch.fewest >= 4
    assert watch.most <= 4 + 1
