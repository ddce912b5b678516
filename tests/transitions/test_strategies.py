"""Blue-green and canary, told as stories in the simulated world and under the laws of every strategy."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handshake.fleet.engine.state import Plan, Stage
from handshake.fleet.engine.steps import Drain, Launch, Open, Park, Retire
from handshake.fleet.engine.strategy import Strategy
from handshake.fleet.instance import InstancePhase, Purpose
from tests.transitions.fleet_laws import check_laws
from tests.transitions.fleet_members import HOLD
from tests.transitions.fleet_world import Image, World, build_world

WORSE = (Image.FAILS_REQUESTS, Image.IS_SLOW)


def settled(strategy: Strategy, count: int = 2) -> World:
    """Return a world that runs the good image and replaces it by a strategy."""
    world = build_world(strategy=strategy)
    world.resize(count)
    live(world, 20)
    assert world.rollout.stage is Stage.SETTLED
    return world


def live(world: World, cycles: int, *, dies_in: int = -1, after_steps: int = 0) -> list[Plan]:
    """Let the leader work and return its plans; the one of cycle `dies_in` dies after so many steps."""
    plans = []
    for cycle in range(cycles):
        decided = world.plan()
        check_laws(world, decided)
        world.carry_out(decided, only=after_steps if cycle == dies_in else None)
        world.tick()
        plans.append(decided)
    return plans


def roll_out(world: World, image: Image, cycles: int = 60) -> list[Plan]:
    """Promote an image and watch."""
    world.promote(image.digest, kind="image")
    return live(world, cycles)


def serving_images(world: World) -> list[set[Image]]:
    """Return which images each gateway sends requests to."""
    return [{world.boxes[name].image for name in pool} for pool in world.pools.values()]


def runs(world: World, phase: InstancePhase) -> list[Image]:
    """Return the images of the instances in a phase."""
    return [box.image for box in world.boxes.values() if box.assignment.phase is phase]


# Blue-green


def test_all_newcomers_come_in_together_and_then_all_old_ones_go() -> None:
    """The pools change in two steps: a whole fleet comes in at once, and when it is proven the whole old one goes."""
    world = settled(Strategy.BLUE_GREEN, count=4)
    plans = roll_out(world, Image.BETTER, cycles=25)
    opened = [sum(isinstance(step, Open) for step in plan.steps) for plan in plans]
    parked = [sum(isinstance(step, Park) for step in plan.steps) for plan in plans]
    # The trial has been in the pools since it passed.
    assert [count for count in opened if count] == [3]
    assert [count for count in parked if count] == [4]
    assert opened.index(3) < parked.index(4)
    assert serving_images(world) == [{Image.BETTER}] * 2


def test_the_way_back_needs_no_launch() -> None:
    """While the old fleet is warm, a rollback launches nothing, tries nothing, and ends within a few cycles."""
    world = settled(Strategy.BLUE_GREEN, count=3)
    roll_out(world, Image.BETTER, cycles=16)
    assert runs(world, InstancePhase.WARM) == [Image.GOOD] * 3
    plans = roll_out(world, Image.GOOD, cycles=4)
    assert not [step for plan in plans for step in plan.steps if isinstance(step, Launch)]
    assert serving_images(world) == [{Image.GOOD}] * 2
    assert world.rollout.stage is Stage.SETTLED
    assert runs(world, InstancePhase.WARM) == [Image.BETTER] * 3


def test_the_old_fleet_is_given_up_when_its_time_is_over() -> None:
    """After `keep_warm_seconds` the old fleet is gone, and a rollback begins with a trial like any other change."""
    world = settled(Strategy.BLUE_GREEN)
    roll_out(world, Image.BETTER)
    assert runs(world, InstancePhase.WARM) == []
    assert len(world.boxes) == 2
    world.promote(Image.GOOD.digest, kind="image")
    assert [step.purpose for step in world.plan().steps if isinstance(step, Launch)] == [Purpose.TRIAL]


def test_the_next_rollout_takes_the_place_of_the_way_back() -> None:
    """A new target has its trial in the room that the warm fleet took."""
    world = settled(Strategy.BLUE_GREEN)
    roll_out(world, Image.BETTER, cycles=16)
    plans = roll_out(world, Image.BOOTS_SLOWLY, cycles=30)
    first = next(plan for plan in plans if plan.steps)
    assert {type(step) for step in first.steps} == {Drain}
    assert serving_images(world) == [{Image.BOOTS_SLOWLY}] * 2


def test_nothing_is_kept_warm_where_nobody_asks_for_it() -> None:
    """With `keep_warm_seconds = 0` the old fleet drains."""
    world = settled(Strategy.BLUE_GREEN)
    world.desired = replace(world.desired, settings=replace(world.desired.settings, keep_warm_seconds=0.0))
    plans = roll_out(world, Image.BETTER)
    assert not [step for plan in plans for step in plan.steps if isinstance(step, Park)]
    assert runs(world, InstancePhase.RUN) == [Image.BETTER] * 2


def test_a_warm_instance_that_dies_is_retired_and_a_newcomer_replaced() -> None:
    """A newcomer that dies before it takes over is launched anew; the old fleet serves on."""
    world = settled(Strategy.BLUE_GREEN, count=3)
    world.promote(Image.BETTER.digest, kind="image")
    while not runs(world, InstancePhase.WARM):
        live(world, 1)
    live(world, 2)
    warm = next(name for name, box in world.boxes.items() if box.assignment.phase is InstancePhase.WARM)
    world.boxes[warm].has_crashed = True
    plans = live(world, 40)
    assert any(isinstance(step, Retire) and step.instance == warm for plan in plans for step in plan.steps)
    assert serving_images(world) == [{Image.BETTER}] * 2


# Canary


def test_both_sides_are_of_one_size_and_age() -> None:
    """Canaries and their baseline are launched by one plan, as many of the one as of the other."""
    plans = roll_out(settled(Strategy.CANARY, count=4), Image.BETTER)
    launched = [[step.purpose for step in plan.steps if isinstance(step, Launch)] for plan in plans]
    compared = [purposes for purposes in launched if Purpose.CANARY in purposes]
    assert compared == [[Purpose.CANARY] * 2 + [Purpose.BASELINE] * 2]


def test_a_canary_that_is_no_worse_takes_over() -> None:
    """Judged no worse, the target replaces the fleet, and no baseline is left."""
    world = settled(Strategy.CANARY, count=3)
    roll_out(world, Image.BETTER)
    assert runs(world, InstancePhase.RUN) == [Image.BETTER] * 3
    assert world.rollout.stage is Stage.SETTLED


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("image", WORSE)
def test_a_worse_canary_always_reverts(image: Image, count: int) -> None:
    """A release whose health checks pass and whose answers are worse goes back, and never has more than its canaries."""
    world = settled(Strategy.CANARY, count=count)
    plans = roll_out(world, image)
    assert world.desired.image.release == Image.GOOD.digest
    assert runs(world, InstancePhase.RUN) == [Image.GOOD] * count
    assert world.rollout.bad[-1].part.value == image.digest
    launched = [step for plan in plans for step in plan.steps if isinstance(step, Launch)]
    of_image = [step for step in launched if step.generation.image == image.digest]
    assert len(of_image) == 1 + world.desired.settings.canary_size


@pytest.mark.parametrize("image", [Image.BETTER, *WORSE])
def test_without_requests_a_canary_never_passes(image: Image, monkeypatch: pytest.MonkeyPatch) -> None:
    """Where nobody asks the service anything, the comparison holds and says what it lacks; it never passes."""
    monkeypatch.setattr("tests.transitions.fleet_world.REQUESTS_PER_TICK", 0)
    world = settled(Strategy.CANARY)
    roll_out(world, image, cycles=200)
    assert world.rollout.stage is Stage.CANARY
    assert world.rollout.passed == ()
    assert {"0", "500"} <= {*world.rollout.reason.split()}


def test_a_canary_that_dies_goes_back() -> None:
    """The death of a canary is evidence enough."""
    world = settled(Strategy.CANARY)
    world.promote(Image.BETTER.digest, kind="image")
    while not any(box.assignment.purpose is Purpose.CANARY for box in world.boxes.values()):
        live(world, 1)
    live(world, 3)
    next(b for b in world.boxes.values() if b.assignment.purpose is Purpose.CANARY).has_crashed = True
    live(world, 20)
    assert world.desired.image.release == Image.GOOD.digest


def test_a_comparison_that_lost_its_baseline_begins_anew() -> None:
    """Where a baseline dies, both sides are launched again, so that they are of one age."""
    world = settled(Strategy.CANARY)
    world.promote(Image.BETTER.digest, kind="image")
    while not any(box.assignment.purpose is Purpose.BASELINE for box in world.boxes.values()):
        live(world, 1)
    next(b for b in world.boxes.values() if b.assignment.purpose is Purpose.BASELINE).has_crashed = True
    plans = live(world, 60)
    launched = [step.purpose for plan in plans for step in plan.steps if isinstance(step, Launch)]
    assert launched.count(Purpose.CANARY) == launched.count(Purpose.BASELINE) == 1
    assert runs(world, InstancePhase.RUN) == [Image.BETTER] * 2


def test_a_pause_keeps_both_sides_where_they_are() -> None:
    """A comparison may be paused, and goes on afterwards."""
    world = settled(Strategy.CANARY)
    roll_out(world, Image.BETTER, cycles=8)
    world.desired = replace(world.desired, hold=HOLD)
    live(world, 20)
    assert world.rollout.stage is Stage.PAUSED
    world.desired = replace(world.desired, hold=None)
    live(world, 60)
    assert runs(world, InstancePhase.RUN) == [Image.BETTER] * 2


@pytest.mark.parametrize("after_steps", [0, 1])
@pytest.mark.parametrize("dies_in", range(0, 30, 3))
@pytest.mark.parametrize(
    ("strategy", "image"),
    [
        (Strategy.BLUE_GREEN, Image.BETTER),
        (Strategy.BLUE_GREEN, Image.ANSWERS_500),
        (Strategy.CANARY, Image.BETTER),
        (Strategy.CANARY, Image.FAILS_REQUESTS),
    ],
)
def test_a_leader_may_die_at_any_step(
    strategy: Strategy, image: Image, dies_in: int, after_steps: int
) -> None:
    """Whenever a leader dies, its successor ends the rollout or the revert as it would have."""
    world = settled(strategy)
    world.promote(image.digest, kind="image")
    live(world, 90, dies_in=dies_in, after_steps=after_steps)
    expected = Image.BETTER if image is Image.BETTER else Image.GOOD
    assert runs(world, InstancePhase.RUN) == [expected] * 2
    assert len(world.boxes) == 2
    assert world.desired.image.release == world.desired.image.stable == expected.digest
    assert world.rollout.stage is Stage.SETTLED
