"""Where a source comes from: its repository and commit, for provenance."""

from __future__ import annotations

from pathlib import Path

from handshake.core.errors import UnavailableError
from handshake.drivers.process.command import run_command

_TIMEOUT_SECONDS = 10.0


def describe_source(folder: Path) -> tuple[str, str]:
    """Return a source's address and commit (`...+changes` where files differ); no commit outside of git."""
    try:
        commit = _git(folder, "rev-parse", "HEAD")
        changes = _git(folder, "status", "--porcelain", "--", ".")
    except UnavailableError:
        return folder.name, ""
    try:
        address = _git(folder, "config", "--get", "remote.origin.url")
    except UnavailableError:
        address = folder.name
    return address, commit + ("+changes" if changes else "")


def _git(folder: Path, *words: str) -> str:
    return run_command(("git", "-C", str(folder), *words), timeout_seconds=_TIMEOUT_SECONDS).strip()
