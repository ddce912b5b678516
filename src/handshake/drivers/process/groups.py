"""Control groups of supervised programs: made by who starts them, removed once they have ended."""

from __future__ import annotations

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path


def remove_groups(folders: Iterable[Path]) -> None:
    """Remove groups in which no process is left; what is gone, or in use, is left as it is."""
    for folder in folders:
        with suppress(OSError):
            folder.rmdir()
