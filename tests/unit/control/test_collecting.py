"""Collection takes out what no kept release needs, and nothing else."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from handshake.campaign.retention import Collector, Retention
from handshake.catalog.journal import read_journal
from handshake.catalog.keys import COLLECTING, upload_key
from handshake.core.digest import Digest
from handshake.core.errors import RefusedError
from handshake.core.subject import Kind, Subject
from handshake.drivers.directory.store import DirectoryStore, make_region
from handshake.pointers.pointer import Move
from handshake.pointers.pointers import Pointers
from handshake.release.manifest import DAY_SECONDS, Encoding, Manifest, release_id
from handshake.release.objects import asset_key, asset_variant_key, document_key
from handshake.release.provenance import Provenance
from handshake.release.store import store_release
from handshake.release.tree import scan_tree
from handshake.release.upload_lock import Uploads
from handshake.site.release import read_site
from handshake.site.traffic import SiteTraffics
from handshake.site.upload import publish_site
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock

CALLS = Subject(kind=Kind.SITE, name="calls")
HAMM = Subject(kind=Kind.IMAGE, name="hamm")
ONLY_LIVE = Retention(days=1, newest=1)


class Desk:
    """A catalogue, two regions and a clock, and releases made at them."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.clock = FakeClock()
        self.catalog = MemoryCatalog()
        self.pointers = Pointers(self.catalog, self.clock)
        self.stores: Sequence[DirectoryStore] = [
            make_region(folder / name, name) for name in ("east", "west")
        ]
        self.collector = Collector(
            who="ann", catalog=self.catalog, clock=self.clock, pointers=self.pointers, stores=self.stores
        )

    def image(self, content: str) -> Digest:
        """Store an image."""
        source = self._source({"run": content})
        manifest = Manifest(kind=Kind.IMAGE, base="host", files=scan_tree(source))
        return store_release(self.stores, manifest, source, self._made(HAMM, manifest), lambda _: None)

    def site(self, files: dict[str, str]) -> Digest:
        """Publish a site's release."""
        folder = self._source(files)
        manifest = read_site(folder, ("assets/",))
        return publish_site(
            self.stores,
            manifest,
            folder,
            site="calls",
            previous=None,
            provenance=self._made(CALLS, manifest),
            report=lambda _: None,
            variants=self.folder / "variants",
        )

    def promote(self, subject: Subject, release: Digest) -> None:
        """Move a pointer."""
        today = self.pointers.get(subject)
        wish = Move(
            subject=subject,
            release=release,
            from_revision=today.revision if today else 0,
            moved_by="ann",
            reason="why",
        )
        self.pointers.move([wish])

    def keys(self) -> set[str]:
        """Return everything that both regions hold; they hold the same."""
        east, west = (set(store.keys("")) for store in self.stores)
        assert east == west
        return east

    def _source(self, files: dict[str, str]) -> Path:
        source = self.folder / f"source-{len(list(self.folder.iterdir()))}"
        for path, content in files.items():
            (source / path).parent.mkdir(parents=True, exist_ok=True)
            (source / path).write_text(content)
        return source

    def _made(self, subject: Subject, manifest: Manifest) -> Provenance:
        return Provenance(
            subject=subject,
            release=release_id(manifest),
            source="here",
            commit="abc",
            builder="ann@here",
            made_at=self.clock.now(),
        )


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    return Desk(tmp_path)


def test_what_nothing_needs_goes_from_every_region(desk: Desk) -> None:
    """A release that was left long ago goes whole; the live one keeps every object, shared blobs too."""
    old, live = desk.image("old"), desk.image("live")
    desk.promote(HAMM, old)
    desk.promote(HAMM, live)
    before = desk.keys()
    desk.clock.sleep(2 * DAY_SECONDS)

    plan = desk.collector.plan(ONLY_LIVE)
    assert plan.going == (old,)
    assert desk.keys() == before, "a plan changes nothing"
    assert desk.collector.collect(ONLY_LIVE, lambda _done, _total: None) == plan

    assert desk.keys() < before
    assert not [key for key in sorted(desk.keys()) if old.removeprefix("sha256:") in key]
    assert desk.collector.plan(ONLY_LIVE).count == 0
    assert "collected" in read_journal(desk.catalog)[0].what


def test_assets_of_a_site_outlive_its_release_by_its_own_retention(desk: Desk) -> None:
    """What the site was at lately is kept with its documents and assets; later, only what the live release shares."""
    shared, gone = "assets/shared.3F2a9b1c.js", "assets/gone.1A2b3c4d.js"
    old = desk.site({"index.html": "one", shared: "s", gone: "g"})
    live = desk.site({"index.html": "two", shared: "s"})
    desk.promote(CALLS, old)
    desk.promote(CALLS, live)

    desk.clock.sleep(29 * DAY_SECONDS)
    assert desk.collector.plan(ONLY_LIVE).count == 0

    desk.clock.sleep(2 * DAY_SECONDS)
    desk.collector.collect(ONLY_LIVE, lambda _done, _total: None)
    left = desk.keys()
    assert asset_key("calls", shared) in left
    assert asset_variant_key("calls", Encoding.BROTLI, shared) in left
    assert asset_key("calls", gone) not in left
    assert asset_variant_key("calls", Encoding.BROTLI, gone) not in left
    assert document_key("calls", live, "index.html") in left
    assert document_key("calls", old, "index.html") not in left


def test_what_was_just_published_is_kept(desk: Desk) -> None:
    """A release that nobody promoted yet is too young to go."""
    desk.image("new")
    assert desk.collector.plan(ONLY_LIVE).count == 0


def test_what_a_preview_or_a_split_shows_is_kept(desk: Desk) -> None:
    """A release that is on no pointer and that some visitors see stays until nobody does."""
    shown, split = desk.site({"index.html": "shown"}), desk.site({"index.html": "split"})
    desk.promote(CALLS, desk.site({"index.html": "live"}))
    live = desk.pointers.get(CALLS)
    assert live
    traffic = SiteTraffics(desk.catalog, desk.clock)
    desk.clock.sleep(40 * DAY_SECONDS)
    traffic.preview(
        "calls", shown, name="next", password="p", seconds=DAY_SECONDS, owner="ann", reason="look"
    )
    traffic.split(live, split, share=10, seconds=DAY_SECONDS, owner="ann", reason="try")

    assert desk.collector.plan(ONLY_LIVE).going == ()
    desk.clock.sleep(2 * DAY_SECONDS)
    assert set(desk.collector.plan(ONLY_LIVE).going) == {shown, split}


def test_much_at_once_needs_a_reason(desk: Desk) -> None:
    """More than a quarter of a region does not go without somebody's word, and nothing goes before it."""
    folder = {f"page-{number}.png": str(number) for number in range(400)}
    desk.site({"index.html": "one", **folder})
    desk.clock.sleep(40 * DAY_SECONDS)
    before = desk.keys()

    with pytest.raises(RefusedError, match="more than a quarter"):
        desk.collector.collect(ONLY_LIVE, lambda _done, _total: None)
    assert desk.keys() == before
    desk.collector.collect(ONLY_LIVE, lambda _done, _total: None, forced="the site was given up")
    assert not desk.keys()
    assert "given up" in read_journal(desk.catalog)[0].what


def test_publishing_and_collecting_keep_out_of_each_others_way(desk: Desk) -> None:
    """Nobody collects while somebody publishes, and nobody publishes while somebody collects."""
    uploads = Uploads(catalog=desk.catalog)
    with (
        uploads.publishing("site/calls by ann"),
        pytest.raises(RefusedError, match="site/calls by ann"),
    ):
        desk.collector.collect(ONLY_LIVE, lambda _done, _total: None)
    with (
        uploads.collecting("ben"),
        pytest.raises(RefusedError, match="collected right now"),
        uploads.publishing("site/calls by ann"),
    ):
        pass
    desk.collector.collect(ONLY_LIVE, lambda _done, _total: None)
    assert desk.catalog.get(COLLECTING) is None
    assert not desk.catalog.read(upload_key("")).entries
