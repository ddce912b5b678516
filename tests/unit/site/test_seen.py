"""Files that were read before are not read again, and a change is never missed."""

import os
from pathlib import Path

import pytest

from handshake.core.digest import digest_bytes
from handshake.release.tree import Seen, look_at_tree

OLD = 100.0
"""Seconds after its last change, when a file is read."""


def read(folder: Path, cache: Path, age: float = OLD) -> dict[str, str]:
    """Return the digests of a folder's files, so many seconds after the last of them changed."""
    now = max(path.stat().st_ctime for path in folder.iterdir()) + age
    seen = Seen(cache, now)
    found: dict[str, str] = {each.path: each.digest for each in look_at_tree(folder, seen=seen).files}
    seen.keep()
    return found


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    made = tmp_path / "dist"
    made.mkdir()
    (made / "a").write_text("one")
    (made / "b").write_text("two")
    return made


def test_an_untouched_file_is_not_read_again(folder: Path, tmp_path: Path) -> None:
    """What is known of it is believed; of files that are gone nothing is kept."""
    cache = tmp_path / "seen.json"
    read(folder, cache)
    cache.write_text(cache.read_text().replace(digest_bytes(b"one"), digest_bytes(b"believed")))
    assert read(folder, cache)["a"] == digest_bytes(b"believed")
    (folder / "a").unlink()
    read(folder, cache)
    assert digest_bytes(b"believed") not in cache.read_text()


def test_a_change_that_hides_is_seen(folder: Path, tmp_path: Path) -> None:
    """Another content of the same size, under a time that was set back, is read; so is another file in its place."""
    cache = tmp_path / "seen.json"
    read(folder, cache)
    before = (folder / "a").stat()
    (folder / "a").write_text("new")
    os.utime(folder / "a", ns=(before.st_atime_ns, before.st_mtime_ns))
    assert read(folder, cache)["a"] == digest_bytes(b"new")
    (folder / "b").rename(folder / "a")
    assert read(folder, cache) == {"a": digest_bytes(b"two")}


def test_a_file_that_was_just_written_is_read_again(folder: Path, tmp_path: Path) -> None:
    """It may change once more without another time."""
    cache = tmp_path / "seen.json"
    read(folder, cache, age=1.0)
    assert not cache.exists()
    read(folder, cache, age=OLD)
    assert len(cache.read_text().split("sha256:")) == 3


@pytest.mark.parametrize("text", ["", "{", "[]", "7"])
def test_a_damaged_memory_knows_nothing(folder: Path, tmp_path: Path, text: str) -> None:
    """It is written anew."""
    cache = tmp_path / "seen.json"
    cache.write_text(text)
    assert read(folder, cache) == {"a": digest_bytes(b"one"), "b": digest_bytes(b"two")}
    assert "sha256:" in cache.read_text()
