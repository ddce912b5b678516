"""Drills 8, 13, 14 and 16: all stale at once, boots slower than the deadline, checks that flap, a third of the fleet dead."""

from __future__ import annotations

import random
from collections.abc import Callable

import pytest

from handshake.core.subject import Subject
from tests.drills.conftest import Build
from tests.drills.watching import Watch, replaced
from tests.support.memory_host import Behaviour
from tests.support.world import IMAGE, LOOK, OTHER, SERVICE, SimulatedWorld, images

DEADLINE = SERVICE.deadline_seconds
TEN = SERVICE.model_copy(update={"floor": 10})


def flapping(age_seconds: float) -> bool:
    """Answer every other second only."""
    return int(age_seconds) % 2 == 0


def wavering(age_seconds: float) -> bool:
    """Answer in half of the seconds, as they fall."""
    return random.Random(int(age_seconds)).random() < 0.5


def ill_for_a_while(age_seconds: float) -> bool:
    """Lose the database for a minute."""
    return not 100 <= age_seconds < 160


def test_all_instances_stale_at_once(build: Build) -> None:
    """Drill 8: a move that makes ten instances stale in one second replaces them within the budget, never below ten."""
    world: SimulatedWorld = build(service=TEN)
    world.settle()
    before, watch = world.running(), Watch(world)

    world.promote(LOOK, world.publish(LOOK, "fancy"))
    world.run(2, watch)
    assert replaced(before, world) == 0, "stale instances keep their traffic"
    world.run_until(world.is_settled, "all are fresh", watch=watch)

    assert replaced(before, world) == 10
    assert watch.fewest == 10
    assert watch.most <= 10 + 2, "a quarter of ten is two"


@pytest.mark.parametrize("subject", [IMAGE, OTHER], ids=str)
@pytest.mark.parametrize("is_well", [flapping, wavering])
def test_a_check_that_flaps_passes_no_trial(
    world: SimulatedWorld, subject: Subject, is_well: Callable[[float], bool]
) -> None:
    """Drill 14: an image whose check fails half of the time goes back; no other instance was touched."""
    good, before = world.pointer(subject).release, world.running(subject.name)
    watch = Watch(world, subject.name)
    bad = world.publish(subject, "second", Behaviour(is_well=is_well))

    world.promote(subject, bad)
    world.run_until(lambda: world.pointer(subject).release == good, "it goes back", watch=watch)
    world.run_until(world.is_settled, "all is quiet", watch=watch)

    assert world.running(subject.name) == before
    assert watch.seen[bad] == 1
    assert watch.fewest == len(before)


def test_a_whole_fleet_that_falls_ill_is_not_replaced(build: Build) -> None:
    """Drills 8 and 14: what makes all instances ill at once is not in them: nothing is replaced, and all recover."""
    world: SimulatedWorld = build()
    world.settle(Behaviour(is_well=ill_for_a_while))
    before = world.running()
    world.run_until(lambda: world.serving() == 0, "all are ill")

    world.run(20)
    assert "fell ill the same way" in world.sentences()
    world.run_until(world.is_settled, "all recover")

    assert world.running() == before


def test_a_fleet_whose_checks_flap_is_not_replaced(build: Build) -> None:
    """Drill 14: instances in service that begin to flap are left alone: another one would flap as well."""
    world: SimulatedWorld = build()
    world.settle(Behaviour(is_well=lambda age: age < 100 or flapping(age)))
    before, watch = world.running(), Watch(world)

    world.run(300, watch)

    assert watch.fewest == 0, "they do flap"
    assert world.running() == before


@pytest.mark.parametrize(
    ("boot_seconds", "arrives"), [(DEADLINE - 10, True), (DEADLINE + 10, False)], ids=["in time", "too late"]
)
def test_boot_slower_than_the_deadline(world: SimulatedWorld, *, boot_seconds: float, arrives: bool) -> None:
    """Drill 13: what boots within the deadline arrives; what does not goes back at the deadline, and says so."""
    first, begun, watch = world.pointer(IMAGE).release, world.clock.now(), Watch(world)
    slow = world.publish(IMAGE, "second", Behaviour(boot_seconds=boot_seconds))

    world.promote(IMAGE, slow)
    world.run_until(
        lambda: world.pointer(IMAGE).stable == world.pointer(IMAGE).release, "it ends", watch=watch
    )
    if not arrives:
        assert DEADLINE <= world.pointer(IMAGE).moved_at - begun <= DEADLINE + 5
        assert f"not ready within {DEADLINE:g} s" in world.pointer(IMAGE).reason
        assert watch.seen[slow] == 1
    world.run_until(world.is_settled, "all is quiet", watch=watch)

    assert images(world.running()) == {slow if arrives else first}
    assert watch.fewest >= 4


@pytest.mark.parametrize("when", [0, 3, 7])
def test_a_third_of_the_fleet_dies_during_a_roll(build: Build, when: int) -> None:
    """Drill 16: three of ten die in mid-roll: no planned step takes another one away, and the roll arrives whole."""
    world: SimulatedWorld = build(service=TEN)
    world.settle()
    before, second = world.running(), world.publish(IMAGE, "second")
    world.promote(IMAGE, second)
    world.run_until(lambda: replaced(before, world) >= when, "so much has moved")
    for victim in sorted(world.running(), key=lambda name: random.Random(name).random())[:3]:
        world.crash(victim)
    left, watch = world.serving(), Watch(world)

    world.run_until(world.is_settled, "the roll arrives", watch=watch)

    assert images(world.running()) == {second}
    assert watch.fewest >= left, "what died is replaced before anything else leaves"
    assert watch.most <= 10 + 2 + 3


def test_a_third_of_the_fleet_dies_of_the_release(build: Build) -> None:
    """Drill 16: a release whose instances die after their trial is replaced by the one that it was to replace."""
    world: SimulatedWorld = build()
    first = world.settle()
    second = world.publish(IMAGE, "second", Behaviour(ends_after_seconds=30, last_words=("out of memory",)))

    world.promote(IMAGE, second)
    world.run(60)
    world.promote(IMAGE, first)
    world.run_until(world.is_settled, "a rollback ends it")

    assert images(world.running()) == {first}
