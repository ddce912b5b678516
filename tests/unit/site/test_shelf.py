"""Releases on the shelf: stored everywhere, fetched from whichever region is whole."""

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from handshake.core.digest import Digest, digest_bytes
from handshake.core.errors import RefusedError, UnavailableError
from handshake.core.subject import Kind, Subject
from handshake.drivers.directory.store import DirectoryStore, make_region
from handshake.release.manifest import Encoding, Manifest, release_id
from handshake.release.objects import blob_key, manifest_key
from handshake.release.provenance import Material, Provenance, parse_provenance, print_provenance
from handshake.release.store import fetch_release, load_manifest, provenances, releases, store_release
from handshake.release.tree import scan_tree
from handshake.release.upload import UploadProgress

FILES = {"run": b"#!/bin/sh\n", "lib/a.py": b"a = 1\n", "lib/same.py": b"a = 1\n", "empty": b""}


class ForgetfulStore(DirectoryStore):
    """A region that loses the end of what it is given."""

    def put(
        self,
        key: str,
        content: Path | bytes,
        *,
        content_type: str = "",
        cache_control: str = "",
        encoding: Encoding | None = None,
    ) -> None:
        """Write all but the last byte."""
        whole = content if isinstance(content, bytes) else content.read_bytes()
        super().put(
            key, whole[:-1], content_type=content_type, cache_control=cache_control, encoding=encoding
        )


@pytest.fixture
def stores(tmp_path: Path) -> list[DirectoryStore]:
    return [make_region(tmp_path / name, name) for name in ("east", "west")]


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    for path, content in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    (folder / "run").chmod(0o755)
    return folder


def image_of(folder: Path) -> Manifest:
    """Return an image's manifest of a folder."""
    return Manifest(kind=Kind.IMAGE, base="host", files=scan_tree(folder), contract={"port": 1})


def made(manifest: Manifest, at: float = 1.0) -> Provenance:
    """Return a provenance of a manifest."""
    return Provenance(
        subject=Subject(kind=Kind.IMAGE, name="hamm"),
        release=release_id(manifest),
        source="services/hamm",
        commit="abc+changes",
        builder="ci@host",
        made_at=at,
        materials=(
            Material(uri="requirements.txt", digest=digest_bytes(b"a==1")),
            Material(uri="cpython@3.11"),
        ),
    )


def store(stores: list[DirectoryStore], folder: Path, at: float = 1.0) -> tuple[Digest, list[UploadProgress]]:
    """Store a folder as an image's release; return its id and what was reported."""
    manifest, reports = image_of(folder), list[UploadProgress]()
    return store_release(stores, manifest, folder, made(manifest, at), reports.append), reports


def test_a_stored_release_comes_back(stores: list[DirectoryStore], source: Path, tmp_path: Path) -> None:
    """Manifest, contents and modes are the same on the other side, and nothing there can be written."""
    release, _ = store(stores, source)
    assert load_manifest(stores, release) == image_of(source)
    tree = fetch_release(stores, release, tmp_path / "trees")
    assert {path: (tree / path).read_bytes() for path in FILES} == FILES
    assert os.access(tree / "run", os.X_OK)
    assert all(entry.stat().st_mode & 0o222 == 0 for entry in [tree, *tree.rglob("*")])


def test_only_missing_blobs_travel(stores: list[DirectoryStore], source: Path) -> None:
    """Equal files are one blob; a second release sends only what changed, and the same one again nothing."""
    _, first = store(stores, source)
    assert {report.total for report in first} == {3}
    _, again = store(stores, source)
    assert {report.total for report in again} == {0}
    (source / "run").write_bytes(b"#!/bin/bash\n")
    _, changed = store(stores, source)
    assert [report for report in changed if report.done] == [
        UploadProgress(region=report.region, done=1, total=1) for report in changed if report.done
    ]


def test_a_release_has_several_provenances(stores: list[DirectoryStore], source: Path) -> None:
    """Whoever makes the same release again adds a provenance and changes nothing else."""
    release, _ = store(stores, source, at=2.0)
    assert store(stores, source, at=1.0)[0] == release
    assert provenances(stores, release) == (made(image_of(source), 1.0), made(image_of(source), 2.0))


def test_provenance_is_read_back_as_written(source: Path) -> None:
    """A provenance's text and the provenance stand for one another; other texts are refused."""
    provenance = made(image_of(source))
    assert parse_provenance(print_provenance(provenance)) == provenance
    for text in (b"", b"[]", b"{}", b'{"subject": "image/hamm", "release": 1}', b"\xff"):
        with pytest.raises(ValueError):
            parse_provenance(text)


def test_another_region_helps_out(stores: list[DirectoryStore], source: Path, tmp_path: Path) -> None:
    """Damaged, shortened and missing objects are had from the next region; a region that is down too."""
    release, _ = store(stores, source)
    east = stores[0]
    east.put(manifest_key(release), b"{}")
    east.put(blob_key(digest_bytes(FILES["run"])), b"#!/bin")
    east.delete([blob_key(digest_bytes(FILES["empty"]))])
    tree = fetch_release(stores, release, tmp_path / "trees")
    assert {path: (tree / path).read_bytes() for path in FILES} == FILES
    (tmp_path / "east").rename(tmp_path / "lost")
    assert load_manifest(stores, release) == image_of(source)
    assert releases(stores) == (release,)
    assert fetch_release(stores, release, tmp_path / "more trees").is_dir()


def test_no_tree_is_made_of_damaged_blobs(stores: list[DirectoryStore], source: Path, tmp_path: Path) -> None:
    """Where no region has a blob whole, the error names them, and no tree appears."""
    release, _ = store(stores, source)
    for region in stores:
        region.put(blob_key(digest_bytes(FILES["run"])), b"#!/bin")
    with pytest.raises(
        UnavailableError, match="in region east is damaged, its copy in region west is damaged"
    ):
        fetch_release(stores, release, tmp_path / "trees")
    assert list((tmp_path / "trees").iterdir()) == []


def test_all_regions_down(stores: list[DirectoryStore], source: Path, tmp_path: Path) -> None:
    """Nobody answers: try later. A tree that was fetched before is still there to be had."""
    release, _ = store(stores, source)
    tree = fetch_release(stores, release, tmp_path / "trees")
    for region in stores:
        (tmp_path / region.region).rename(tmp_path / f"lost {region.region}")
    for ask in (lambda: load_manifest(stores, release), lambda: releases(stores)):
        with pytest.raises(UnavailableError, match="no region answers"):
            ask()
    assert fetch_release(stores, release, tmp_path / "trees") == tree


def test_an_unknown_release_is_refused(stores: list[DirectoryStore], tmp_path: Path) -> None:
    """Every region says that it does not know it; with one silent, nobody can tell."""
    unknown = digest_bytes(b"unknown")
    with pytest.raises(RefusedError, match="no region has release"):
        load_manifest(stores, unknown)
    (tmp_path / "east").rename(tmp_path / "lost")
    with pytest.raises(UnavailableError, match="east does not answer"):
        load_manifest(stores, unknown)


def test_nothing_exists_before_it_is_everywhere(
    stores: list[DirectoryStore], source: Path, tmp_path: Path
) -> None:
    """With a region down, no region gets a manifest; when it is back, the same call ends the work."""
    (tmp_path / "west").rename(tmp_path / "lost")
    with pytest.raises(UnavailableError, match="west does not answer"):
        store(stores, source)
    assert releases(stores) == ()
    (tmp_path / "lost").rename(tmp_path / "west")
    release, _ = store(stores, source)
    assert [releases([region]) for region in stores] == [(release,), (release,)]


def test_a_region_that_forgets_is_found_out(
    stores: list[DirectoryStore], source: Path, tmp_path: Path
) -> None:
    """What is written is read back before a manifest names it."""
    forgetful = ForgetfulStore(tmp_path / "west", "west")
    with pytest.raises(UnavailableError, match="west does not return"):
        store([stores[0], forgetful], source)
    assert releases(stores) == ()


def test_a_file_that_changes_meanwhile_is_refused(stores: list[DirectoryStore], source: Path) -> None:
    """What is not what the manifest says never reaches a store."""
    manifest = image_of(source)
    (source / "run").write_bytes(b"changed")
    with pytest.raises(RefusedError, match="run changed or vanished"):
        store_release(stores, manifest, source, made(manifest), lambda _: None)
    assert releases(stores) == ()
    assert stores[0].info(blob_key(digest_bytes(b"changed"))) is None
    assert stores[0].info(blob_key(digest_bytes(FILES["run"]))) is None


def test_many_fetch_one_release_at_once(stores: list[DirectoryStore], source: Path, tmp_path: Path) -> None:
    """All get one whole tree, and nothing else is left in the folder."""
    release, _ = store(stores, source)
    with ThreadPoolExecutor(8) as pool:
        trees = set(pool.map(lambda _: fetch_release(stores, release, tmp_path / "trees"), range(16)))
    assert len(trees) == 1
    assert list((tmp_path / "trees").iterdir()) == list(trees)
