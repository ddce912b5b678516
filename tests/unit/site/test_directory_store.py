"""The directory store where it is a directory: ETags, missing disks, forbidden ones."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from handshake.core.digest import digest_bytes
from handshake.core.errors import RefusedError, UnavailableError
from handshake.drivers.directory.store import DirectoryStore, content_mtime, make_region

NOBODY = 65534


@pytest.fixture
def store(tmp_path: Path) -> DirectoryStore:
    return make_region(tmp_path / "west", "west")


@contextmanager
def as_nobody() -> Iterator[None]:
    """Act without root's rights over files."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def test_times_come_from_the_content(store: DirectoryStore, tmp_path: Path) -> None:
    """Equal contents have equal modification times in every region and by every way in: ETags are made of them."""
    other = make_region(tmp_path / "east", "east")
    source = tmp_path / "source"
    source.write_bytes(b"content")
    store.put("a", b"content")
    other.put("b", source)
    other.copy("b", "c")
    files = [tmp_path / "west/a", tmp_path / "east/b", tmp_path / "east/c"]
    assert {file.stat().st_mtime_ns for file in files} == {content_mtime(digest_bytes(b"content")) * 10**9}
    assert content_mtime(digest_bytes(b"content")) != content_mtime(digest_bytes(b"CONTENT"))


def test_a_missing_disk_is_no_empty_store(store: DirectoryStore, tmp_path: Path) -> None:
    """A region whose directory is gone does not answer: it neither says that nothing is there nor makes it."""
    store.put("a", b"content")
    (tmp_path / "west").rename(tmp_path / "unmounted")
    for act in (
        lambda: store.get("a"),
        lambda: store.info("a"),
        lambda: list(store.keys("")),
        lambda: store.put("b", b""),
        lambda: store.copy("a", "b"),
        lambda: store.delete(["a"]),
        lambda: store.download("a", tmp_path / "target"),
    ):
        with pytest.raises(UnavailableError, match="west does not answer") as silent:
            act()
        assert silent.value.hint
    assert not (tmp_path / "west").exists()


def test_a_forbidden_disk_is_refused(store: DirectoryStore, tmp_path: Path) -> None:
    """Without the right to write, the error says so and what to do, and nothing is left behind."""
    store.put("a", b"content")
    tmp_path.chmod(0o755)
    for parent in list(tmp_path.parents)[:2]:
        parent.chmod(0o755)
    (tmp_path / "west").chmod(0o555)
    try:
        with as_nobody(), pytest.raises(RefusedError, match="read or write") as refused:
            store.put("b/c", b"content")
    finally:
        (tmp_path / "west").chmod(0o755)
    assert "write permission" in refused.value.hint
    assert list(store.keys("")) == ["a"]


def test_one_key_is_not_the_folder_of_another(store: DirectoryStore) -> None:
    """What a directory cannot hold is refused, and what stood there stays."""
    store.put("a/b", b"content")
    for key in ("a", "a/b/c"):
        with pytest.raises(RefusedError, match="with this name"):
            store.put(key, b"other")
    assert list(store.keys("")) == ["a/b"]


def test_a_missing_source_is_no_fault_of_the_region(store: DirectoryStore, tmp_path: Path) -> None:
    """A file that cannot be read is named as such."""
    with pytest.raises(RefusedError, match="source cannot be read"):
        store.put("a", tmp_path / "source")


def test_unfinished_files_are_no_objects(store: DirectoryStore, tmp_path: Path) -> None:
    """What a killed writer left is listed nowhere and has no key."""
    store.put("a", b"content")
    (tmp_path / "west/.incoming/left").write_bytes(b"half")
    assert list(store.keys("")) == ["a"]
    with pytest.raises(RefusedError):
        store.get(".incoming/left")


def test_links_are_no_objects(store: DirectoryStore, tmp_path: Path) -> None:
    """A symbolic link that somebody put into the directory leads nowhere."""
    (tmp_path / "west/passwd").symlink_to("/etc/passwd")
    assert store.get("passwd") is None
    assert store.info("passwd") is None
