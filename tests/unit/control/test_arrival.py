"""What a verb is told of the pointer that it moved."""

from __future__ import annotations

from dataclasses import replace

from handshake.catalog.codec import encode
from handshake.catalog.entries import Write
from handshake.catalog.keys import pointer_key, rollout_key
from handshake.core.digest import Digest, digest_bytes
from handshake.core.subject import Kind, Subject
from handshake.fleet.engine.state import BadPart, Rollout, pointer_part
from handshake.fleet.rollouts.observe import CatalogRolloutProgress
from handshake.pointers.arrival import Arrival, ArrivalOutcome, Arrivals
from handshake.pointers.pointer import Pointer
from handshake.pointers.pointers import Pointers
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock

PATIENCE_SECONDS = 120.0


def test_a_first_release_that_fails_its_trial_is_told_at_once() -> None:
    """Where there is no release to revert to, the verb ends with the trial's verdict and does not wait on."""
    moved = image_pointer(stable=None)

    arrival = wait_for(moved, bad=BadPart(part=pointer_part(moved), reason="trial failed: silence", at=1.0))

    assert (arrival.ending, arrival.why) == (ArrivalOutcome.REFUSED, "trial failed: silence")
    assert arrival.seconds == 0


def test_the_failure_of_an_earlier_move_says_nothing_of_this_one() -> None:
    """A release that was condemned once may be promoted again: that is another revision, and another trial."""
    moved = image_pointer(stable=None)
    earlier = replace(pointer_part(moved), revision=moved.revision - 1)

    arrival = wait_for(moved, bad=BadPart(part=earlier, reason="trial failed: silence", at=1.0))

    assert arrival.ending is ArrivalOutcome.STILL_WAITING


def test_a_release_that_will_go_back_is_waited_for() -> None:
    """Where there is a stable release, the verb waits until the pointer has gone back to it."""
    moved = image_pointer(stable=digest_bytes(b"before"))

    arrival = wait_for(moved, bad=BadPart(part=pointer_part(moved), reason="trial failed: silence", at=1.0))

    assert arrival.ending is ArrivalOutcome.STILL_WAITING
    assert arrival.seconds > PATIENCE_SECONDS


def image_pointer(*, stable: Digest | None) -> Pointer:
    """Return the pointer of a service's image, just moved."""
    return Pointer(
        subject=Subject(kind=Kind.IMAGE, name="events"),
        release=digest_bytes(b"now"),
        revision=4,
        stable=stable,
        moved_by="ada",
        reason="tried",
        moved_at=0.0,
    )


def wait_for(moved: Pointer, *, bad: BadPart) -> Arrival:
    """Wait for a pointer whose fleet has condemned a part."""
    catalog, clock = MemoryCatalog(), FakeClock()
    rollout = Rollout(service="events", bad=(bad,))
    catalog.transact(
        [
            Write(key=pointer_key(str(moved.subject)), value=encode(moved)),
            Write(key=rollout_key("events"), value=encode(rollout)),
        ]
    )
    arrivals = Arrivals(
        catalog,
        Pointers(catalog, clock),
        clock,
        ("n1",),
        rollouts=CatalogRolloutProgress(catalog=catalog),
    )
    return arrivals.wait(moved, PATIENCE_SECONDS, lambda _: None)
