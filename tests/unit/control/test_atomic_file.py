"""Files that must survive a crash."""

from __future__ import annotations

import os
import stat
from pathlib import Path

import pytest

from handshake.core.atomic_file import (
    create_durably,
    place_folder,
    rename_durably,
    replacing,
    write_atomically,
)
from tests.support.disk import note_disk_calls


class DiskFullError(Exception):
    """What a write runs into."""


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is synced and renamed, in order; all of it happens."""
    return note_disk_calls(monkeypatch)


def test_content_then_name_then_folder(tmp_path: Path, calls: list[str]) -> None:
    """The content reaches the disk before it has its name, and the name before the call returns."""
    write_atomically(tmp_path / "list", "new")
    assert (tmp_path / "list").read_text() == "new"
    assert calls == ["sync draft", "rename draft list", f"sync {tmp_path.name}"]


@pytest.mark.parametrize("mode", [0o600, 0o644, 0o755, 0o666])
def test_mode_is_what_was_asked_for(tmp_path: Path, mode: int) -> None:
    """The mode holds whatever the umask and whatever mode the old file had."""
    file = tmp_path / "key"
    file.write_text("old")
    file.chmod(0o640)
    before = os.umask(0o077)
    try:
        write_atomically(file, b"new", mode=mode)
    finally:
        os.umask(before)
    assert stat.S_IMODE(file.stat().st_mode) == mode


def test_a_failed_write_leaves_the_old_file_and_no_draft(tmp_path: Path) -> None:
    """Where writing breaks off, the old content stands and nothing else lies in the folder."""
    file = tmp_path / "list"
    file.write_text("old")
    with pytest.raises(DiskFullError), replacing(file) as draft:
        draft.write(b"half")
        raise DiskFullError
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_failed_sync_leaves_the_old_file_and_no_draft(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A disk that cannot take the content changes nothing."""
    file = tmp_path / "list"
    file.write_text("old")

    def refuse(_: int) -> None:
        raise OSError

    monkeypatch.setattr(os, "fsync", refuse)
    with pytest.raises(OSError):
        write_atomically(file, "new")
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_rejected_draft_takes_no_place(tmp_path: Path) -> None:
    """Whoever prepares a draft sees all of it and can reject it."""
    file = tmp_path / "configuration"
    file.write_text("old")
    seen: list[str] = []

    def reject(draft: Path) -> None:
        seen.append(draft.read_text())
        raise DiskFullError

    with pytest.raises(DiskFullError):
        write_atomically(file, "new", prepare=reject)
    assert seen == ["new"]
    assert file.read_text() == "old"
    assert list(tmp_path.iterdir()) == [file]


def test_a_new_file_overwrites_nothing(tmp_path: Path, calls: list[str]) -> None:
    """A file that is to be new is durable with its name, and never takes another's."""
    create_durably(tmp_path / "invitation", b"first", mode=0o600)
    assert calls == ["sync invitation", f"sync {tmp_path.name}"]
    with pytest.raises(FileExistsError):
        create_durably(tmp_path / "invitation", b"second")
    assert (tmp_path / "invitation").read_bytes() == b"first"


def test_a_rename_is_durable(tmp_path: Path, calls: list[str]) -> None:
    """The folder is synced after the rename."""
    (tmp_path / "one").touch()
    rename_durably(tmp_path / "one", tmp_path / "two")
    assert calls == ["rename one two", f"sync {tmp_path.name}"]


def test_a_folder_is_durable_before_it_has_its_name(tmp_path: Path, calls: list[str]) -> None:
    """Every file and folder inside is synced before the rename, and the folder around it afterwards."""
    partial = tmp_path / "partial"
    (partial / "inner").mkdir(parents=True)
    (partial / "inner" / "page").write_text("text")
    (partial / "link").symlink_to("nowhere")
    place_folder(partial, tmp_path / "kept")
    assert calls == [
        "sync page",
        "sync inner",
        "sync partial",
        "rename partial kept",
        f"sync {tmp_path.name}",
    ]


def test_the_first_folder_stays(tmp_path: Path) -> None:
    """Where two make the same folder, the second changes nothing and does not fail."""
    for name in ("kept", "partial"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "page").write_text(name)
    place_folder(tmp_path / "partial", tmp_path / "kept")
    assert (tmp_path / "kept" / "page").read_text() == "kept"
