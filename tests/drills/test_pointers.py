"""Drills 2, 4 and 5: pointers that name nothing whole, move three times in ten seconds, or go back in mid-roll."""

from __future__ import annotations

from pathlib import Path

import pytest

from handshake.core.digest import Digest, digest_bytes
from handshake.core.subject import Subject
from handshake.release.objects import blob_key, manifest_key
from tests.drills.conftest import REGIONS
from tests.drills.watching import Watch, replaced
from tests.support.world import IMAGE, LOOK, OTHER, SimulatedWorld, images

NOBODY_HAS_IT = digest_bytes(b"a release that no region has")


def blob_of(text: str) -> str:
    """Return where the one file of a release of this text lies."""
    return blob_key(digest_bytes(text.encode()))


def damage(folder: Path, key: str) -> None:
    """Overwrite an object in every region."""
    for region in REGIONS:
        (folder / region / key).write_bytes(b"damaged")


@pytest.mark.parametrize("subject", [IMAGE, LOOK], ids=str)
def test_pointer_to_a_release_that_no_region_has(world: SimulatedWorld, subject: Subject) -> None:
    """Drill 2: the pointer goes back and says why; no instance of any service is replaced."""
    good, before = world.pointer(subject).release, world.running()
    watch = Watch(world)

    world.promote(subject, NOBODY_HAS_IT)
    world.run_until(lambda: world.pointer(subject).release == good, "it goes back", watch=watch)
    world.run_until(world.is_settled, "all is quiet again", watch=watch)

    assert "no region has" in world.pointer(subject).reason
    assert replaced(before, world) == 0
    assert watch.fewest == 4


def test_one_bad_pointer_holds_up_no_other_service(world: SimulatedWorld) -> None:
    """Drill 2: while one service's pointer names nothing whole, another service's release arrives."""
    bad = world.publish(IMAGE, "second")
    for store in world.stores:
        store.put(manifest_key(bad), b"damaged")

    world.promote(IMAGE, bad)
    world.run(3)
    world.promote(OTHER, world.publish(OTHER, "second"))
    world.run_until(lambda: world.pointer(OTHER).stable == world.pointer(OTHER).release, "events arrives")
    victim = min(world.running("events"))
    world.crash(victim)
    world.run_until(lambda: len(world.running("events")) == 2, "a dead instance of events is replaced")


def test_pointer_to_a_release_with_a_damaged_manifest(world: SimulatedWorld, tmp_path: Path) -> None:
    """Drill 2: while a manifest is damaged in every region the fleet stays, but for what dies; mended, it arrives."""
    before, bad = world.running(), world.publish(IMAGE, "second")
    damage(tmp_path, manifest_key(bad))

    world.promote(IMAGE, bad)
    world.run(30)
    assert world.running() == before
    assert "damaged" in world.sentences()
    world.crash(victim := min(before))
    world.run_until(
        lambda: world.serving() == 4 and victim not in world.running(), "the dead one is replaced"
    )
    assert images(world.running()) == images(before), "by the stable generation"
    world.publish(IMAGE, "second")
    world.run_until(world.is_settled, "the mended release arrives")

    assert images(world.running()) == {bad}


def test_pointer_to_a_release_with_a_damaged_blob(world: SimulatedWorld, tmp_path: Path) -> None:
    """Drill 2: a release whose content cannot be had whole goes back at its deadline; no instance was replaced."""
    good, before = world.pointer(IMAGE).release, world.running()
    bad = world.publish(IMAGE, "second")
    damage(tmp_path, blob_of("second"))

    world.promote(IMAGE, bad)
    world.run_until(lambda: world.pointer(IMAGE).release == good, "it goes back")
    world.run_until(world.is_settled, "all is quiet again")

    assert "damaged" in world.pointer(IMAGE).reason
    assert world.running() == before


def test_pointer_moves_three_times_in_ten_seconds(world: SimulatedWorld) -> None:
    """Drill 4: the newest wins; what it superseded had at most its one trial, and two never spread at once."""
    first = world.pointer(IMAGE).release
    second, third, fourth = (world.publish(IMAGE, text) for text in ("second", "third", "fourth"))
    watch = Watch(world)

    for release in (second, third, fourth):
        world.promote(IMAGE, release)
        world.run(3, watch)
    world.run_until(world.is_settled, "the newest arrives", watch=watch)

    assert images(world.running()) == {fourth}
    assert watch.seen.get(second, 0) <= 1
    assert watch.seen.get(third, 0) <= 1
    assert watch.fewest == watch.seen[first] == 4
    assert all(len(mixture - {first}) <= 1 for mixture in watch.mixtures)
    assert watch.most <= 4 + 1


@pytest.mark.parametrize("replaced_first", [1, 2, 3])
def test_pointer_rolled_back_in_mid_roll(world: SimulatedWorld, replaced_first: int) -> None:
    """Drill 5: wherever a roll stands, a rollback brings every instance back, at full capacity all the way."""
    first, second = world.pointer(IMAGE).release, world.publish(IMAGE, "second")
    before, watch = world.running(), Watch(world)

    world.promote(IMAGE, second)
    world.run_until(lambda: replaced(before, world) >= replaced_first, "a part has moved", watch=watch)
    kept = {name for name in before if name in world.running()}
    world.promote(IMAGE, first)
    world.run_until(world.is_settled, "it is back", watch=watch)

    assert images(world.running()) == {first}
    assert kept <= world.running().keys(), "what was never replaced need not come back"
    assert watch.fewest >= 4
    assert watch.most <= 4 + 1


def test_the_same_bad_release_may_be_tried_again(world: SimulatedWorld) -> None:
    """Drill 2: a pointer moved anew to what was marked bad is a new wish, and tried anew."""
    good: Digest = world.pointer(IMAGE).release
    world.promote(IMAGE, NOBODY_HAS_IT)
    world.run_until(lambda: world.pointer(IMAGE).release == good, "it goes back")
    again = world.promote(IMAGE, NOBODY_HAS_IT)
    world.run_until(lambda: world.pointer(IMAGE).revision == again.revision + 1, "it goes back again")

    assert world.pointer(IMAGE).release == good
