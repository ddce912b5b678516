"""Publishing a site into several regions, where something is in the way."""

from pathlib import Path

import pytest
from tests.unit.publishing import publish

from handshake.core.digest import digest_bytes
from handshake.core.errors import RefusedError, UnavailableError
from handshake.core.problem import ProblemsError
from handshake.core.subject import Kind
from handshake.drivers.directory.store import DirectoryStore, make_region
from handshake.release.manifest import Manifest, ManifestFile, release_id
from handshake.release.objects import asset_key, document_key, manifest_key
from handshake.site.release import read_site

APP = "assets/app.3f2a9b1c.js"


@pytest.fixture
def stores(tmp_path: Path) -> list[DirectoryStore]:
    return [make_region(tmp_path / name, name) for name in ("east", "west")]


def build(folder: Path, index: str, app: str = "app") -> Path:
    """Write a small site."""
    (folder / "assets").mkdir(parents=True, exist_ok=True)
    (folder / "index.html").write_text(index)
    (folder / "robots.txt").write_text("robots")
    (folder / APP).write_text(app)
    return folder


def is_sealed(store: DirectoryStore, manifest: Manifest) -> bool:
    """Tell whether a release exists in a region."""
    return store.info(manifest_key(release_id(manifest))) is not None


def test_publishing_twice_sends_once(stores: list[DirectoryStore], tmp_path: Path) -> None:
    """The second publish finds everything there."""
    manifest = read_site(build(tmp_path / "dist", "one"), ["assets/"])
    assert {report.total for report in publish(stores, tmp_path / "dist", manifest)} == {12}
    assert {report.total for report in publish(stores, tmp_path / "dist", manifest)} == {0}
    assert all(is_sealed(store, manifest) for store in stores)


def test_progress_counts_each_region(stores: list[DirectoryStore], tmp_path: Path) -> None:
    """Every region tells how many objects it gets, three files in four forms each, and ends at its total."""
    manifest = read_site(build(tmp_path / "dist", "one"), ["assets/"])
    reports = publish(stores, tmp_path / "dist", manifest)
    for region in ("east", "west"):
        assert [report.done for report in reports if report.region == region] == list(range(13))


def test_an_asset_with_two_contents_is_refused(stores: list[DirectoryStore], tmp_path: Path) -> None:
    """Nothing of the second release is written, in either region, and the first one's asset stays."""
    first = read_site(build(tmp_path / "one", "one"), ["assets/"])
    publish(stores, tmp_path / "one", first)
    second = read_site(build(tmp_path / "two", "two", app="changed"), ["assets/"])
    with pytest.raises(ProblemsError, match="site-asset-changed"):
        publish(stores, tmp_path / "two", second, previous=first)
    for store in stores:
        assert not is_sealed(store, second)
        assert store.info(document_key("calls", release_id(second), "index.html")) is None
        assert store.get(asset_key("calls", APP)) == b"app"


def test_a_region_that_is_down_stops_the_whole(stores: list[DirectoryStore], tmp_path: Path) -> None:
    """No region gets a manifest before all have the objects; when all are back, publishing ends the work."""
    manifest = read_site(build(tmp_path / "dist", "one"), ["assets/"])
    (tmp_path / "west").rename(tmp_path / "lost")
    with pytest.raises(UnavailableError, match="west does not answer"):
        publish(stores, tmp_path / "dist", manifest)
    assert not is_sealed(stores[0], manifest)
    (tmp_path / "lost").rename(tmp_path / "west")
    publish(stores, tmp_path / "dist", manifest)
    assert all(is_sealed(store, manifest) for store in stores)


def test_all_regions_that_are_down_are_named(stores: list[DirectoryStore], tmp_path: Path) -> None:
    """One error tells of every region."""
    manifest = read_site(build(tmp_path / "dist", "one"), ["assets/"])
    for name in ("east", "west"):
        (tmp_path / name).rename(tmp_path / f"lost {name}")
    with pytest.raises(UnavailableError, match=r"east does not answer.*west does not answer"):
        publish(stores, tmp_path / "dist", manifest)


def test_damaged_documents_are_mended(stores: list[DirectoryStore], tmp_path: Path) -> None:
    """A thorough publish replaces a document whose content is not what the release says; another one does not look."""
    manifest = read_site(build(tmp_path / "dist", "one"), ["assets/"])
    publish(stores, tmp_path / "dist", manifest)
    key = document_key("calls", release_id(manifest), "index.html")
    stores[0].put(key, b"damaged")
    assert {report.total for report in publish(stores, tmp_path / "dist", manifest)} == {0}
    mended = publish(stores, tmp_path / "dist", manifest, is_thorough=True)
    assert sorted((report.region, report.total) for report in mended if report.done == report.total) == [
        ("east", 1),
        ("west", 0),
    ]
    assert stores[0].get(key) == b"one"


def test_a_damaged_release_before_is_not_copied(stores: list[DirectoryStore], tmp_path: Path) -> None:
    """A copy is read back; one of a damaged document is written from here instead."""
    first = read_site(build(tmp_path / "one", "one"), ["assets/"])
    publish(stores, tmp_path / "one", first)
    stores[0].put(document_key("calls", release_id(first), "robots.txt"), b"damaged")
    second = read_site(build(tmp_path / "two", "two"), ["assets/"])
    publish(stores, tmp_path / "two", second, previous=first)
    for store in stores:
        assert store.get(document_key("calls", release_id(second), "robots.txt")) == b"robots"


def test_a_build_that_goes_on_is_refused(stores: list[DirectoryStore], tmp_path: Path) -> None:
    """A file that changed since the manifest was made does not reach a store under its old name."""
    manifest = read_site(build(tmp_path / "dist", "one"), ["assets/"])
    (tmp_path / "dist" / APP).write_text("changed")
    with pytest.raises(RefusedError, match="changed or vanished"):
        publish(stores, tmp_path / "dist", manifest)
    assert stores[0].info(asset_key("calls", APP)) is None
    assert not any(is_sealed(store, manifest) for store in stores)


@pytest.mark.parametrize("path", ["../x", "a/../b", "a\nb"])
def test_a_forged_manifest_writes_nothing_elsewhere(
    stores: list[DirectoryStore], tmp_path: Path, path: str
) -> None:
    """A path that no built folder gives is refused by the store, and the release does not exist."""
    (tmp_path / "dist/a").mkdir(parents=True)
    (tmp_path / "dist" / path).write_bytes(b"x")
    forged = ManifestFile(path=path, digest=digest_bytes(b"x"), size=1)
    manifest = Manifest(kind=Kind.SITE, files=(forged,), contract={"assets": []})
    with pytest.raises(RefusedError, match="is not a valid object key"):
        publish(stores, tmp_path / "dist", manifest)
    assert [list(store.keys("")) for store in stores] == [[], []]
