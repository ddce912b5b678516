"""What verbs say of Fastly."""

from __future__ import annotations

from handshake.edge.lists.declared import DataReport, wait_for_ingresses
from handshake.pointers.acks import FASTLY, PURGES_SUBJECT, AckWriter, Place, Role
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock

CACHE = Place(role=Role.CACHE, node="n1")


def hear(revision: int) -> str:
    """Return what a verb says of Fastly that has acknowledged revision 3, while no ingress exists."""
    catalog, clock = MemoryCatalog(), FakeClock()
    AckWriter(catalog, clock, FASTLY).serve(
        "list/wall", 3, "read_back: 200 entries; 7 did not fit: 192.0.2.1"
    )
    done = wait_for_ingresses(
        catalog, clock, (), subject="list/wall", revision=revision, what="banned", seconds=1.0
    )
    assert done.is_enforced
    return done.fastly


def test_fastly_names_what_did_not_fit() -> None:
    """A verb repeats Fastly's word about its revision, with what has no room there."""
    assert hear(3) == "read_back: 200 entries; 7 did not fit: 192.0.2.1"


def test_fastly_follows_later() -> None:
    """Nobody waits for Fastly: what it said of an earlier revision is told as such."""
    assert hear(4).startswith("will follow within a minute; its state at revision 3: read_back")


def test_a_purge_waits_for_fastly() -> None:
    """A purge is done once every cache and Fastly have said so, and the report repeats each one's word."""
    catalog, clock = MemoryCatalog(), FakeClock()
    acks = {place: AckWriter(catalog, clock, place) for place in (CACHE, FASTLY)}

    def purge() -> DataReport:
        return wait_for_ingresses(
            catalog,
            clock,
            ("n1",),
            subject=PURGES_SUBJECT,
            revision=1,
            what="purged",
            seconds=1.0,
            has_fastly=True,
        )

    acks[CACHE].serve(PURGES_SUBJECT, 1, "the cache forgot 3 pages")
    assert not purge().is_enforced
    assert purge().said == ("cache@n1: the cache forgot 3 pages", "fastly: nothing yet")
    acks[FASTLY].serve(PURGES_SUBJECT, 1, "vendor_accepted")
    assert purge().is_enforced
    assert purge().said == ("cache@n1: the cache forgot 3 pages", "fastly: vendor_accepted")


def test_nothing_is_said_without_fastly() -> None:
    """Where Fastly never said a word, no verb speaks of it."""
    done = wait_for_ingresses(
        MemoryCatalog(), FakeClock(), (), subject="list/wall", revision=1, what="banned", seconds=1.0
    )
    assert done.fastly == ""
