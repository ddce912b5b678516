"""Drills 6 and 7: the catalogue is down for five minutes, the object store is down at boot."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.drills.conftest import REGIONS
from tests.drills.watching import Watch, replaced
from tests.support.catalog import no_answer, no_fault
from tests.support.world import IMAGE, LOOK, SimulatedWorld, images

FIVE_MINUTES = 300.0


@contextmanager
def catalogue_down(world: SimulatedWorld) -> Iterator[None]:
    """Let no process of the world reach the catalogue."""
    for way in world.ways():
        way.before = no_answer
    yield
    for way in world.ways():
        way.before = no_fault


@contextmanager
def regions_down(folder: Path) -> Iterator[None]:
    """Take the disks of every region away."""
    for region in REGIONS:
        (folder / region).rename(folder / f"{region}-away")
    yield
    for region in REGIONS:
        (folder / f"{region}-away").rename(folder / region)


def test_catalogue_down_for_five_minutes(world: SimulatedWorld) -> None:
    """Drill 6: nothing is replaced while nobody knows anything, nor when knowledge comes back; visitors see nothing."""
    before, watch = world.running(), Watch(world)

    with catalogue_down(world):
        world.run(FIVE_MINUTES, watch)
        assert "does not answer" in world.sentences()
    world.run(60, watch)

    assert world.running() == before
    assert watch.fewest == 4
    assert world.is_settled()


def test_catalogue_down_in_mid_roll(world: SimulatedWorld) -> None:
    """Drill 6: a roll stands still where it is for as long as the catalogue is away, and then goes on to its end."""
    before, second, watch = world.running(), world.publish(IMAGE, "second"), Watch(world)
    world.promote(IMAGE, second)
    world.run_until(lambda: replaced(before, world) >= 2, "half of the fleet has moved", watch=watch)

    with catalogue_down(world):
        world.run(10, watch)
        standing = world.running()
        world.run(FIVE_MINUTES, watch)
        assert world.running() == standing
    world.run_until(world.is_settled, "the roll ends", watch=watch)

    assert images(world.running()) == {second}
    assert world.pointer(IMAGE).revision == 2, "an outage is nobody's fault, the release's least of all"
    assert watch.fewest >= 4


def test_what_dies_while_the_catalogue_is_down_is_replaced_afterwards(world: SimulatedWorld) -> None:
    """Drill 6: the one instance that died in the outage is replaced after it, and no other one."""
    before = world.running()
    victim = min(before)

    with catalogue_down(world):
        world.run(60)
        world.crash(victim)
        world.run(FIVE_MINUTES - 60)
        assert world.running().keys() == before.keys() - {victim}
    world.run_until(world.is_settled, "the dead one is replaced")

    assert world.running().keys() >= before.keys() - {victim}


def test_object_store_down_when_instances_boot(world: SimulatedWorld, tmp_path: Path) -> None:
    """Drill 7: a good release is not condemned for a store that is away: it boots when the store is back."""
    first, second = world.pointer(IMAGE).release, world.publish(IMAGE, "second")
    watch = Watch(world)
    world.contract_of(second)

    with regions_down(tmp_path):
        world.promote(IMAGE, second)
        world.run(30, watch)
        assert images(world.running()) == {first}
        assert "no region answers" in world.sentences()
    world.run_until(world.is_settled, "it boots", watch=watch)

    assert images(world.running()) == {second}
    assert world.pointer(IMAGE).revision == 2
    assert watch.fewest == 4


def test_object_store_down_past_the_deadline(world: SimulatedWorld, tmp_path: Path) -> None:
    """Drill 7: what cannot be fetched by the trial's deadline goes back, and its reason names the store."""
    first, fancy = world.pointer(LOOK).release, world.publish(LOOK, "fancy")

    with regions_down(tmp_path):
        world.promote(LOOK, fancy)
        world.run_until(lambda: world.pointer(LOOK).release == first, "it goes back", within_seconds=90)
        assert "no region answers" in world.pointer(LOOK).reason
    world.run_until(world.is_settled, "all is quiet")


def test_object_store_down_and_an_instance_dies(world: SimulatedWorld, tmp_path: Path) -> None:
    """Drill 7: a dead instance is replaced from the tree that its node has, store or no store."""
    victim = min(world.running())

    with regions_down(tmp_path):
        world.crash(victim)
        world.run_until(world.is_settled, "it is replaced", within_seconds=60)
    assert victim not in world.running()
