"""What a verb is told of the preview or the split that it wrote."""

from __future__ import annotations

import pytest

from handshake.pointers.acks import SITE_TRAFFIC_SUBJECT, AckWriter, Place, Role
from handshake.site.traffic import ShownArrival, ShownArrivals
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock

REVISION = 7
PATIENCE_SECONDS = 3.0


@pytest.fixture
def catalog() -> MemoryCatalog:
    """Return an empty catalogue."""
    return MemoryCatalog()


def cache(catalog: MemoryCatalog, node: str) -> AckWriter:
    """Return the pen of a node's cache."""
    return AckWriter(catalog, FakeClock(), Place(role=Role.CACHE, node=node))


def wait(catalog: MemoryCatalog, told: list[str]) -> ShownArrival:
    """Wait for the caches of two nodes."""
    arrivals = ShownArrivals(catalog, FakeClock(), ("n1", "n2"))
    return arrivals.wait(REVISION, PATIENCE_SECONDS, told.append)


def test_it_has_arrived_once_every_cache_says_so(catalog: MemoryCatalog) -> None:
    """The verb ends with the places that serve it, and with what they said."""
    for node in ("n1", "n2"):
        cache(catalog, node).serve(SITE_TRAFFIC_SUBJECT, REVISION, "the label points to hs_1")

    arrival = wait(catalog, [])

    assert (arrival.has_arrived, arrival.seconds) == (True, 0.0)
    assert (arrival.serving, arrival.awaited) == (("cache@n1", "cache@n2"), ())
    assert arrival.why == "cache@n1: the label points to hs_1; cache@n2: the label points to hs_1"


def test_a_cache_that_is_behind_is_waited_for(catalog: MemoryCatalog) -> None:
    """An ack of an earlier change is none of this one; the verb says whom it waits for, and gives up in time."""
    cache(catalog, "n1").serve(SITE_TRAFFIC_SUBJECT, REVISION, "shown")
    cache(catalog, "n2").serve(SITE_TRAFFIC_SUBJECT, REVISION - 1, "shown")
    told: list[str] = []

    arrival = wait(catalog, told)

    assert not arrival.has_arrived
    assert arrival.seconds >= PATIENCE_SECONDS
    assert (arrival.serving, arrival.awaited) == (("cache@n1",), ("cache@n2",))
    assert told == ["waits for cache@n2"]


def test_a_cache_that_cannot_is_heard(catalog: MemoryCatalog) -> None:
    """What a cache cannot show, it says why; what it could not show earlier is not repeated."""
    cache(catalog, "n1").refuse(SITE_TRAFFIC_SUBJECT, REVISION - 1, "an old story")
    cache(catalog, "n2").refuse(SITE_TRAFFIC_SUBJECT, REVISION, "preview x--calls: its release cannot be had")
    told: list[str] = []

    arrival = wait(catalog, told)

    assert not arrival.has_arrived
    assert told == ["cache@n2 does not serve it: preview x--calls: its release cannot be had"]
