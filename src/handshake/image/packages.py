"""Packages: what a lock file names, unpacked by a driver, cleaned of what differs between machines, and kept."""

from __future__ import annotations

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

from handshake.core.atomic_file import place_folder
from handshake.core.digest import canonical_json, digest_bytes, digest_file, short
from handshake.core.tree import remove_tree

_FORMAT = 1
"""Grows when the same lock file shall give another tree, so that no old one is taken from a cache."""
_INSTALLERS_NOTES = {"RECORD", "INSTALLER", "REQUESTED", "direct_url.json"}
"""What pip writes about itself and this machine, in a distribution's `.dist-info`."""
_NPMS_NOTES = ("node_modules", ".package-lock.json")


class Packages(Protocol):
    """Unpacks the packages of one language for a base's interpreter."""

    @property
    def name(self) -> str:
        """The language: `python`, `node`."""
        ...

    def target(self) -> str:
        """Return what beside the lock file decides which packages are taken: `cp3.11-linux-x86_64`."""
        ...

    def unpack(self, lock: Path, folder: Path) -> None:
        """Put what a lock file names, and nothing else, into an empty folder.

        Raises UnavailableError, with the installer's own words, where a package cannot be had.
        """
        ...


@dataclass(frozen=True, kw_only=True)
class Unpacked:
    """A folder of unpacked packages."""

    folder: Path
    was_kept: bool
    """Whether an earlier bake had unpacked them."""


def cached_packages(locks: Sequence[Path], cache: Path, packages: Packages) -> Unpacked:
    """Return the folder that holds these packages; unpacked once for the same lock file and interpreter.

    The first of `locks` is the lock file itself, the others say what else decides.
    """
    inputs = {"format": _FORMAT, "locks": [digest_file(lock) for lock in locks], "target": packages.target()}
    kept = cache / packages.name / short(digest_bytes(canonical_json(inputs)))
    was_kept = kept.exists()
    if not was_kept:
        _unpack(locks[0], kept, packages)
    return Unpacked(folder=kept, was_kept=was_kept)


def is_noise(path: str) -> bool:
    """Tell whether an unpacked file says something about a machine, or starts with a machine's path."""
    parts = PurePosixPath(path).parts
    return (
        "__pycache__" in parts
        or parts[0] == "bin"
        or parts == _NPMS_NOTES
        or (len(parts) > 1 and parts[-2].endswith(".dist-info") and parts[-1] in _INSTALLERS_NOTES)
    )


def _unpack(lock: Path, kept: Path, packages: Packages) -> None:
    partial = kept.with_name(f".{kept.name}.{secrets.token_hex(6)}")
    partial.mkdir(parents=True)
    try:
        packages.unpack(lock, partial)
        place_folder(partial, kept)
    finally:
        remove_tree(partial)
