"""What applying a policy would change, file by file."""

from __future__ import annotations

import difflib
from dataclasses import dataclass
from pathlib import Path

from handshake.core.digest import Digest


@dataclass(frozen=True, kw_only=True)
class PolicyPlan:
    """A policy release, and what it changes against the live one."""

    subject: str
    release: Digest
    from_revision: int
    """What `apply` must still find; 0 where no policy was applied yet."""
    is_changed: bool
    changes: tuple[str, ...]
    """A unified diff, line by line."""
    fastly: tuple[str, ...] = ()
    """What it would change at Fastly, and what has no room there."""


def diff_policies(before: Path | None, after: Path) -> tuple[str, ...]:
    """Return the unified diff between two policy releases' trees; everything is new where there was none."""
    names = sorted(_files(before) | _files(after))
    return tuple(line for name in names for line in _diff_file(name, _read(before, name), _read(after, name)))


def _diff_file(name: str, before: list[str], after: list[str]) -> tuple[str, ...]:
    return tuple(difflib.unified_diff(before, after, f"live/{name}", f"new/{name}", lineterm="", n=2))


def _files(folder: Path | None) -> set[str]:
    if folder is None:
        return set()
    return {str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file()}


def _read(folder: Path | None, name: str) -> list[str]:
    if folder is None or not (folder / name).is_file():
        return []
    return (folder / name).read_text(encoding="utf-8").splitlines()
