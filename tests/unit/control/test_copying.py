"""The fallback copy: made of what the edge shows, refused where that is no page, proven byte by byte."""

from collections.abc import Callable
from pathlib import Path

import pytest

from handshake.core.digest import short
from handshake.core.errors import UnavailableError
from handshake.drivers.directory.store import make_region
from handshake.pointers.pointer import Pointer
from handshake.pointers.pointers import Pointers
from handshake.release.manifest import release_id
from handshake.release.objects import document_key
from handshake.release.store import load_manifest
from handshake.site.copy.copier import CopiedPage, Copier, prove_copy
from handshake.site.copy.schedule import NEVER, SUBJECT, CopyRecord, describe_age, is_due, read_record
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock

HOME = b'<link rel="stylesheet" href="/static/style.css"><script src="/calls/assets/app.js"></script>home'


class Desk:
    """A catalogue, two regions, and an edge whose pages the test sets."""

    def __init__(self, folder: Path) -> None:
        self.clock = FakeClock()
        self.catalog = MemoryCatalog()
        self.pointers = Pointers(self.catalog, self.clock)
        self.stores = [make_region(folder / name, name) for name in ("east", "west")]
        self.pages = {"/": page(HOME), "/about": page(b"about"), "/static/style.css": page(b"p {}")}
        self.copier = Copier(
            who="ann",
            catalog=self.catalog,
            clock=self.clock,
            pointers=self.pointers,
            stores=self.stores,
            ask=lambda path: self.pages[path],
            mounts=("/calls",),
            work=folder / "work",
        )

    def make(self, *pages: str) -> Pointer:
        """Make the copy."""
        return self.copier.make(pages or ("/", "/about"), lambda _: None)


def page(body: bytes, status: int = 200, **headers: str) -> CopiedPage:
    """Return a page."""
    return CopiedPage(
        status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}, body=body
    )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_pages_and_what_they_load_stand_in_every_region(desk: Desk) -> None:
    """Each page is a file, and so is what it loads; what lies on a site's mount is in the regions already."""
    pointer = desk.make()
    paths = {file.path for file in load_manifest(desk.stores, pointer.release).files}
    assert paths == {"index.html", "about.html", "static/style.css"}
    for store in desk.stores:
        assert store.get(document_key(SUBJECT.name, pointer.release, "index.html")) == HOME


def test_a_copy_that_says_the_same_moves_nothing(desk: Desk) -> None:
    """The pointer keeps its revision while the pages stay as they are, and moves once one changes."""
    assert desk.make().revision == desk.make().revision == 1
    desk.pages["/about"] = page(b"more about")
    assert desk.make().revision == 2


@pytest.mark.parametrize(
    ("bad", "words"),
    [
        (page(b"back soon", 503), "/about answers 503"),
        (page(b"copy", x_hs_release="c0ffee"), "served from release c0ffee"),
    ],
)
def test_what_is_no_page_is_not_copied(desk: Desk, bad: CopiedPage, words: str) -> None:
    """The last copy stays, and what was in the way is on record."""
    before = desk.make()
    desk.pages["/about"] = bad
    with pytest.raises(UnavailableError, match=words):
        desk.make()
    assert desk.pointers.get(SUBJECT) == before
    record = read_record(desk.catalog)
    assert words in record.problem
    assert record.made_at == before.moved_at


def serve(
    desk: Desk, pointer: Pointer, change: Callable[[bytes], bytes] = bytes
) -> Callable[[str], CopiedPage]:
    """Return an edge that serves the copy."""

    def ask(path: str) -> CopiedPage:
        file = {"/": "index.html", "/about": "about.html"}[path]
        body = desk.stores[0].get(document_key(SUBJECT.name, pointer.release, file)) or b""
        return page(change(body), x_hs_release=short(pointer.release))

    return ask


def test_the_proof_is_byte_by_byte(desk: Desk) -> None:
    """A page that comes whole from the copy has no fault; changed, missing, failed or rendered ones have."""
    pointer = desk.make()
    manifest = load_manifest(desk.stores, pointer.release)
    assert release_id(manifest) == pointer.release

    def faults(ask: Callable[[str], CopiedPage]) -> list[str]:
        return [each.fault for each in prove_copy(("/", "/about"), manifest, ask)]

    assert faults(serve(desk, pointer)) == ["", ""]
    assert all(
        "other than the copied page" in fault
        for fault in faults(serve(desk, pointer, lambda body: body + b"!"))
    )
    assert all("not serve it from the copy" in fault for fault in faults(lambda _: page(HOME)))
    assert all("answers 503" in fault for fault in faults(lambda _: page(b"", 503)))
    assert "does not contain it" in prove_copy(("/new",), manifest, lambda _: page(HOME))[0].fault


def test_the_copy_is_due_once_a_day_and_soon_after_a_failure() -> None:
    """A copy is made at once where there is none, then daily; what failed is tried again in a quarter of an hour."""
    made = CopyRecord(made_at=1000.0, tried_at=1000.0, problem="")
    failed = CopyRecord(made_at=1000.0, tried_at=90_000.0, problem="/ answers 503")
    assert is_due(NEVER, 1e9, every_hours=24)
    assert not is_due(made, 1000.0 + 23 * 3600, every_hours=24)
    assert is_due(made, 1000.0 + 24 * 3600, every_hours=24)
    assert not is_due(failed, 90_100.0, every_hours=24)
    assert is_due(failed, 90_901.0, every_hours=24)


def test_status_speaks_of_an_old_copy() -> None:
    """A copy that missed two periods is named with its age and the reason; a young one is not."""
    old = CopyRecord(made_at=1000.0, tried_at=2000.0, problem="/ answers 503")
    assert describe_age(old, 1000.0 + 47 * 3600, every_hours=24) == ""
    assert (
        describe_age(old, 1000.0 + 49 * 3600, every_hours=24)
        == "the fallback copy is 49 hours old: / answers 503"
    )
    assert describe_age(NEVER, 1000.0, every_hours=24) == "the fallback copy was never made"
