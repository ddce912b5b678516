"""What reaches the disk, and when files get their names."""

from __future__ import annotations

import os
import re
from collections.abc import Callable
from pathlib import Path

import pytest

_DRAFT = re.compile(r"\..+\.draft|[0-9a-f]{32}")
_PARTIAL = re.compile(r"\..+\.[0-9a-f]{12}")


def note_disk_calls(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return what is synced and renamed from now on, in order; all of it happens.

    A file or folder that has no name yet is called `draft` or `partial`.
    """
    noted: list[str] = []
    fsync, replace, rename = os.fsync, Path.replace, Path.rename

    def note_fsync(descriptor: int) -> None:
        path = Path(f"/proc/self/fd/{descriptor}").readlink()
        noted.append(f"sync {_plain(path)}")
        fsync(descriptor)

    def note(act: Callable[[Path, Path], Path]) -> Callable[[Path, Path], Path]:
        def noting(source: Path, target: Path) -> Path:
            noted.append(f"rename {_plain(source)} {target.name}")
            return act(source, target)

        return noting

    monkeypatch.setattr(os, "fsync", note_fsync)
    monkeypatch.setattr(Path, "replace", note(replace))
    monkeypatch.setattr(Path, "rename", note(rename))
    return noted


def _plain(path: Path) -> str:
    if _DRAFT.fullmatch(path.name):
        return "draft"
    return "partial" if _PARTIAL.fullmatch(path.name) else path.name
