"""Stories that chance tells too seldom, in the same world and under the same laws."""

from __future__ import annotations

from dataclasses import replace

import pytest

from handshake.fleet.engine.state import Stage
from handshake.fleet.engine.strategy import Strategy
from tests.transitions.fleet_laws import check_laws
from tests.transitions.fleet_world import Image, World, build_world


def live(world: World, cycles: int, *, dies_in: int = -1, after_steps: int = 0) -> None:
    """Let the leader work; the one of cycle `dies_in` dies after so many steps."""
    for cycle in range(cycles):
        decided = world.plan()
        check_laws(world, decided)
        world.carry_out(decided, only=after_steps if cycle == dies_in else None)
        world.tick()


def settled_world() -> World:
    """Return a world whose two instances run the good image."""
    world = build_world()
    live(world, 20)
    assert world.rollout.stage is Stage.SETTLED
    return world


@pytest.mark.parametrize("after_steps", [0, 1])
@pytest.mark.parametrize("dies_in", range(24))
@pytest.mark.parametrize("image", [Image.BETTER, Image.ANSWERS_500])
def test_a_leader_may_die_at_any_step(image: Image, dies_in: int, after_steps: int) -> None:
    """Whenever a leader dies, its successor ends the rollout or the revert as it would have."""
    world = settled_world()
    world.promote(image.digest, kind="image")
    live(world, 40, dies_in=dies_in, after_steps=after_steps)
    runs = {box.image for box in world.boxes.values()}
    assert runs == ({Image.BETTER} if image is Image.BETTER else {Image.GOOD})
    assert world.desired.image.release == world.desired.image.stable == next(iter(runs)).digest
    assert world.rollout.stage is Stage.SETTLED
    assert world.plan().steps == ()


def test_a_silent_node_keeps_its_members() -> None:
    """A rollout goes as far as it can without the members of a silent node, and ends when the node speaks."""
    world = settled_world()
    world.silent_nodes.add("n1")
    world.promote(Image.BETTER.digest, kind="image")
    live(world, 40)
    kept = [box for box in world.boxes.values() if box.image is Image.GOOD and box.assignment.node == "n1"]
    assert kept
    world.silent_nodes.clear()
    live(world, 40)
    assert {box.image for box in world.boxes.values()} == {Image.BETTER}
    assert world.rollout.stage is Stage.SETTLED


def test_a_comparison_ends_with_its_strategy() -> None:
    """A policy that asks for rolling in the middle of a comparison, whose budget has no room for both sides, arrives."""
    world = build_world(strategy=Strategy.CANARY)
    world.resize(4)
    live(world, 30)
    world.promote(Image.BETTER.digest, kind="image")
    stages = []
    while Stage.CANARY not in stages:
        live(world, 1)
        stages.append(world.rollout.stage)
        assert len(stages) < 40
    settings = replace(world.desired.settings, strategy=Strategy.ROLLING)
    world.desired = replace(world.desired, settings=settings)
    live(world, 100)
    assert world.rollout.stage is Stage.SETTLED
    assert {box.image for box in world.boxes.values()} == {Image.BETTER}


def test_a_comparison_does_not_come_back_with_its_strategy() -> None:
    """Canary, rolling and canary again in the middle of a rollout: the budget holds, and the fleet arrives."""
    world = build_world(strategy=Strategy.CANARY)
    world.resize(1)
    live(world, 30)
    world.promote(Image.BETTER.digest, kind="image")
    stages = []
    while Stage.CANARY not in stages:
        live(world, 1)
        stages.append(world.rollout.stage)
        assert len(stages) < 40
    live(world, 4)
    for strategy, cycles in ((Strategy.ROLLING, 3), (Strategy.CANARY, 100)):
        world.desired = replace(world.desired, settings=replace(world.desired.settings, strategy=strategy))
        live(world, cycles)
    assert world.rollout.stage is Stage.SETTLED
