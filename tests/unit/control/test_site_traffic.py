"""Previews and splits: written with an owner, a reason and an end, and void once they are over."""

import pytest

from handshake.catalog.journal import read_journal
from handshake.catalog.keys import SITE_TRAFFIC
from handshake.core.digest import Digest
from handshake.core.errors import RefusedError
from handshake.core.subject import Kind, Subject
from handshake.pointers.pointer import Pointer
from handshake.site.traffic import SiteTraffics, decode_traffic, digest_credential
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock

OLD, NEW = Digest("sha256:" + "a" * 64), Digest("sha256:" + "b" * 64)
POINTER = Pointer(
    subject=Subject(kind=Kind.SITE, name="calls"),
    release=OLD,
    revision=1,
    stable=OLD,
    moved_by="ada",
    reason="first",
    moved_at=0.0,
)


@pytest.fixture
def clock() -> FakeClock:
    """Return a clock that stands still."""
    return FakeClock()


@pytest.fixture
def catalog() -> MemoryCatalog:
    """Return an empty catalogue."""
    return MemoryCatalog()


@pytest.fixture
def traffics(catalog: MemoryCatalog, clock: FakeClock) -> SiteTraffics:
    """Return what reads and writes previews and splits."""
    return SiteTraffics(catalog, clock)


def test_a_preview_ends_by_itself(traffics: SiteTraffics, catalog: MemoryCatalog, clock: FakeClock) -> None:
    """A preview holds until its end, and lies in the catalogue without its password."""
    shown = traffics.preview(
        "calls", NEW, name="new-look", password="secret", seconds=60, owner="ada", reason="a look"
    )
    assert shown.label == "new-look--calls"
    assert traffics.read().previews == (shown,)
    entries = catalog.read(SITE_TRAFFIC).entries
    assert b"secret" not in entries[0].value
    assert decode_traffic(entries, clock.now() + 61).previews == ()
    assert read_journal(catalog)[0].what == "preview new-look--calls: a look"


def test_a_preview_with_a_bad_name(traffics: SiteTraffics) -> None:
    """What can be no part of a host name is refused."""
    with pytest.raises(RefusedError, match="not valid in a host name"):
        traffics.preview("calls", NEW, name="Neu!", password="x", seconds=60, owner="ada", reason="a look")


def test_a_split_is_void_once_the_pointer_moves(traffics: SiteTraffics) -> None:
    """A split holds while the release that it was made for is live."""
    split = traffics.split(POINTER, NEW, share=20, seconds=60, owner="ada", reason="which one")
    traffic = traffics.read()
    assert traffic.split_of(POINTER) == split
    moved = Pointer(
        subject=POINTER.subject,
        release=NEW,
        revision=2,
        stable=OLD,
        moved_by="ada",
        reason="on",
        moved_at=1.0,
    )
    assert traffic.split_of(moved) is None


def test_an_end_by_hand(traffics: SiteTraffics) -> None:
    """What a verb ends is over at once, at a revision of its own; what is not there cannot be ended."""
    traffics.split(POINTER, NEW, share=20, seconds=60, owner="ada", reason="which one")
    begun = traffics.read()
    traffics.end_split("calls", owner="ada")
    ended = traffics.read()
    assert ended.splits == ()
    assert ended.revision > begun.revision
    with pytest.raises(RefusedError, match="there is no split of site/calls"):
        traffics.end_split("calls", owner="ada")
    with pytest.raises(RefusedError, match="there is no preview x"):
        traffics.end_preview("x", owner="ada")


def test_the_digest_is_of_what_a_browser_sends() -> None:
    """The ingress makes the same digest of the header as the verb of the password."""
    assert digest_credential("a") != digest_credential("b")
    assert digest_credential("a") == digest_credential("a").upper()
