"""Trees are scanned to files of a manifest, and materialised from them once, verified and read-only."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path
from threading import Barrier

import pytest

from handshake.core.digest import Digest, digest_bytes
from handshake.core.errors import RefusedError
from handshake.core.problem import ProblemsError
from handshake.release.manifest import ManifestFile
from handshake.release.tree import materialise, path_fault, remove_tree, scan_tree


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A folder with a file, a program in a folder below, and an empty folder."""
    folder = tmp_path / "source"
    (folder / "bin").mkdir(parents=True)
    (folder / "empty").mkdir()
    (folder / "readme").write_text("read me")
    (folder / "bin" / "run").write_text("#!/bin/sh")
    (folder / "readme").chmod(0o600)
    (folder / "bin" / "run").chmod(0o700)
    return folder


@pytest.fixture
def target(tmp_path: Path) -> Iterator[Path]:
    """Where a tree shall appear."""
    yield tmp_path / "trees" / "tree"
    remove_tree(tmp_path / "trees")


def reader(folder: Path) -> Callable[[Digest], bytes]:
    """Return what reads the blobs of a folder's files."""
    blobs = {
        digest_bytes(path.read_bytes()): path.read_bytes() for path in folder.rglob("*") if path.is_file()
    }
    return blobs.__getitem__


def checks(folder: Path) -> list[tuple[str, str]]:
    """Return the problems that a scan finds: check and name."""
    with pytest.raises(ProblemsError) as caught:
        scan_tree(folder)
    return [(problem.check, Path(problem.where.file).name) for problem in caught.value.problems]


@contextmanager
def as_nobody() -> Iterator[None]:
    """Give up root's right to read everything, where this is root."""
    before = os.geteuid()
    if before == 0:
        os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(before)


def test_scan_normalises_modes(folder: Path) -> None:
    """Files come sorted by path, with one of two modes, and empty folders leave no trace."""
    found = [(file.path, file.mode, file.size) for file in scan_tree(folder)]
    assert found == [("bin/run", 0o755, 9), ("readme", 0o644, 7)]


def test_scan_reports_everything_at_once(folder: Path) -> None:
    """Links, pipes and impossible names are all reported, each with its own check."""
    (folder / "link").symlink_to("readme")
    (folder / "folder-link").symlink_to("bin")
    os.mkfifo(folder / "pipe")
    (folder / "a\nb").touch()
    (folder / "a\\b").touch()
    Path(os.fsdecode(bytes(folder) + b"/\xff")).touch()
    assert sorted(checks(folder)) == [
        ("tree-name", "\\udcff"),
        ("tree-name", "a\\b"),
        ("tree-name", "a\\nb"),
        ("tree-special-file", "pipe"),
        ("tree-symlink", "folder-link"),
        ("tree-symlink", "link"),
    ]


def test_missing_folder_is_a_problem(tmp_path: Path) -> None:
    """A folder that does not exist is a problem that names it."""
    assert checks(tmp_path / "nowhere") == [("tree-unreadable", "nowhere")]


def test_unreadable_file_is_a_problem() -> None:
    """A file that may not be read is a problem that names it."""
    with tempfile.TemporaryDirectory() as name:  # pytest's own folders are closed to whom root becomes here
        folder = Path(name)
        folder.chmod(0o755)
        (folder / "readme").touch(mode=0)
        with as_nobody():
            assert checks(folder) == [("tree-unreadable", "readme")]


@pytest.mark.parametrize(
    "path", ["", "/etc/passwd", "../up", "a/../b", "a//b", "./a", "a/", "a\0b", "a\x7fb", "\udc80"]
)
def test_path_that_leaves_the_tree_is_faulty(path: str) -> None:
    """A path that could lead out of a tree, or that nobody could print, cannot stand in a manifest."""
    assert path_fault(path)


@pytest.mark.parametrize("path", ["a", "a/b.txt", "ä/ö", "..a", "a b"])
def test_plain_path_is_good(path: str) -> None:
    """Any other relative path can."""
    assert path_fault(path) == ""


def test_materialised_tree_is_what_was_scanned(folder: Path, target: Path) -> None:
    """A materialised tree has the same files, and nobody may write to any of them."""
    files = scan_tree(folder)
    materialise(files, reader(folder), target)
    assert scan_tree(target) == files
    modes = {stat.S_IMODE(path.stat().st_mode) for path in [target, *target.rglob("*")]}
    assert modes == {0o444, 0o555}


def test_materialise_is_idempotent(folder: Path, target: Path) -> None:
    """A tree that is there is left alone: not one blob is read for it."""
    files = scan_tree(folder)
    materialise(files, reader(folder), target)
    materialise(files, dict[Digest, bytes]().__getitem__, target)
    assert scan_tree(target) == files


def test_damaged_blob_leaves_nothing_behind(folder: Path, target: Path) -> None:
    """A blob that is not what its name says is refused, and neither a tree nor a part of one remains."""
    with pytest.raises(RefusedError, match="bin/run is damaged"):
        materialise(scan_tree(folder), lambda _: b"something else", target)
    assert list(target.parent.iterdir()) == []


def test_hostile_path_is_refused(target: Path) -> None:
    """A manifest whose path leads out of the tree writes nothing there."""
    file = ManifestFile(path="../outside", digest=digest_bytes(b""), size=0)
    with pytest.raises(RefusedError, match="not a plain relative path"):
        materialise((file,), lambda _: b"", target)
    assert list(target.parent.iterdir()) == []


def test_two_at_once_make_one_tree(folder: Path, target: Path) -> None:
    """Where two materialise a tree at once, both return, the tree is whole, and nothing else remains."""
    files, read = scan_tree(folder), reader(folder)
    both_are_writing = Barrier(2)

    def read_together(digest: Digest) -> bytes:
        if digest == files[0].digest:
            both_are_writing.wait(timeout=10)
        return read(digest)

    with ThreadPoolExecutor(2) as pool:
        for done in [pool.submit(materialise, files, read_together, target) for _ in range(2)]:
            done.result()
    assert scan_tree(target) == files
    assert list(target.parent.iterdir()) == [target]


def test_links_are_kept_where_they_may_stand(folder: Path, target: Path) -> None:
    """A base's links come back as they were, wherever they lead, and are never followed."""
    (folder / "bin" / "python3").symlink_to("run")
    (folder / "lib").symlink_to("/usr/lib")
    (folder / "nowhere").symlink_to("not/here")
    files = scan_tree(folder, may_link=True)
    blobs = {
        digest_bytes(content): content
        for content in (b"run", b"/usr/lib", b"not/here", b"read me", b"#!/bin/sh")
    }
    materialise(files, blobs.__getitem__, target)
    assert {file.path: oct(file.mode) for file in files if file.is_link} == dict.fromkeys(
        ("bin/python3", "lib", "nowhere"), "0o120000"
    )
    assert [(target / name).readlink().as_posix() for name in ("bin/python3", "lib", "nowhere")] == [
        "run",
        "/usr/lib",
        "not/here",
    ]


def test_a_path_through_a_link_is_refused(target: Path) -> None:
    """A manifest that would write through one of its own links, out of the tree, is refused whole."""
    outside = target.parent.parent / "outside"
    blobs = {digest_bytes(content): content for content in (os.fsencode(outside), b"caught")}
    files = (
        ManifestFile(path="a", digest=digest_bytes(os.fsencode(outside)), size=1, mode=0o120000),
        ManifestFile(path="a/b", digest=digest_bytes(b"caught"), size=6),
    )
    outside.mkdir()
    with pytest.raises(RefusedError, match="leads through a link"):
        materialise(files, blobs.__getitem__, target)
    assert list(outside.iterdir()) == []
    assert not target.exists()
