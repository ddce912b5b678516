"""Files that Varnish reads."""

from __future__ import annotations

from pathlib import Path

from handshake.core.atomic_file import write_atomically


def write_file(path: Path, text: str) -> None:
    """Write a file that everybody may read, whole or not at all."""
    write_atomically(path, text, mode=0o644)
