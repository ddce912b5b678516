"""Wheels: unpacked by a driver, cleaned of what differs between machines, and kept for the next bake."""

from __future__ import annotations

import secrets
from pathlib import Path, PurePosixPath
from typing import Protocol

from handshake.core.digest import canonical_json, digest_bytes, digest_file, short
from handshake.core.tree import remove_tree

_FORMAT = 1
"""Grows when the same requirements shall give another tree, so that no old one is taken from a cache."""
_NOISE = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
"""What an installer writes about itself and this machine, in a distribution's `.dist-info`."""


class Wheels(Protocol):
    """Unpacks wheels for a base's interpreter."""

    def target(self) -> str:
        """Return what beside the requirements decides which wheels are taken: `cp3.11-linux-x86_64`."""
        ...

    def unpack(self, requirements: Path, folder: Path) -> None:
        """Put what pinned requirements name, and nothing else, into an empty folder.

        Raises UnavailableError, with the installer's own words, where a wheel cannot be had.
        """
        ...


def cached_wheels(requirements: Path, cache: Path, wheels: Wheels) -> Path:
    """Return the folder that holds these wheels; unpacked once for the same requirements and interpreter."""
    inputs = {"format": _FORMAT, "requirements": digest_file(requirements), "target": wheels.target()}
    kept = cache / "wheels" / short(digest_bytes(canonical_json(inputs)))
    if not kept.exists():
        _unpack(requirements, kept, wheels)
    return kept


def is_noise(path: str) -> bool:
    """Tell whether an unpacked file says something about a machine, or starts with a machine's path."""
    parts = PurePosixPath(path).parts
    return (
        "__pycache__" in parts
        or parts[0] == "bin"
        or (len(parts) > 1 and parts[-2].endswith(".dist-info") and parts[-1] in _NOISE)
    )


def _unpack(requirements: Path, kept: Path, wheels: Wheels) -> None:
    partial = kept.with_name(f".{kept.name}.{secrets.token_hex(6)}")
    partial.mkdir(parents=True)
    try:
        wheels.unpack(requirements, partial)
        if not kept.exists():
            partial.rename(kept)
    finally:
        remove_tree(partial)
