"""Digests of files by what the disk says of them: a file that nobody has touched since is not read again."""

from __future__ import annotations

import json
import os
from pathlib import Path

from handshake.core.atomic_file import write_atomically
from handshake.core.digest import Digest, digest_file

_SETTLED_SECONDS = 2.0
"""A younger file may change once more within one tick of the disk's clock, and is read again next time."""


class Seen:
    """What was read before, kept in a file from one time to the next; one that is missing or damaged knows nothing.

    A file is the same if inode, size and both times are: whoever writes to it, or puts another in its place, sets
    the time of its last change (ctime), which no program can set back.
    """

    def __init__(self, file: Path, now: float) -> None:
        self._file = file
        self._settled_ns = int((now - _SETTLED_SECONDS) * 1e9)
        self._known = _read(file)
        self._found: dict[str, Digest] = {}

    def digest(self, name: str, path: str, status: os.stat_result) -> Digest:
        """Return a file's digest; OSError where it must be read and cannot be."""
        stamp = f"{name} {status.st_ino} {status.st_size} {status.st_mtime_ns} {status.st_ctime_ns}"
        digest = self._known.get(stamp) or digest_file(path)
        if max(status.st_ctime_ns, status.st_mtime_ns) < self._settled_ns:
            self._found[stamp] = digest
        return digest

    def keep(self) -> None:
        """Write down what was found, for the next time."""
        if self._found == self._known:
            return
        self._file.parent.mkdir(parents=True, exist_ok=True)
        write_atomically(self._file, json.dumps(self._found))


def _read(file: Path) -> dict[str, Digest]:
    try:
        known = json.loads(file.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return known if isinstance(known, dict) else {}
