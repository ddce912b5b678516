"""What verbs say of Fastly."""

from __future__ import annotations

from handshake.control.acks import FASTLY, AckWriter
from handshake.control.edge_data import wait_for_doors
from handshake.testing.clock import FakeClock
from handshake.testing.memory_catalog import MemoryCatalog


def hear(revision: int) -> str:
    """Return what a verb says of Fastly that has acknowledged revision 3, while no door exists."""
    catalog, clock = MemoryCatalog(), FakeClock()
    AckWriter(catalog, clock, FASTLY).serve(
        "list/wall", 3, "read_back: 200 entries; 7 did not fit: 192.0.2.1"
    )
    done = wait_for_doors(
        catalog, clock, (), subject="list/wall", revision=revision, what="banned", seconds=1.0
    )
    assert done.is_enforced
    return done.fastly


def test_fastly_names_what_did_not_fit() -> None:
    """A verb repeats Fastly's word about its revision, with what has no room there."""
    assert hear(3) == "read_back: 200 entries; 7 did not fit: 192.0.2.1"


def test_fastly_follows_later() -> None:
    """Nobody waits for Fastly: what it said of an earlier revision is told as such."""
    assert hear(4).startswith("follows within a minute; of revision 3 it said: read_back")


def test_nothing_is_said_without_fastly() -> None:
    """Where Fastly never said a word, no verb speaks of it."""
    done = wait_for_doors(
        MemoryCatalog(), FakeClock(), (), subject="list/wall", revision=1, what="banned", seconds=1.0
    )
    assert done.fastly == ""
