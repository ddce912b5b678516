"""A file on its way into a store: written under no name that anybody reads, then renamed into place."""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from handshake.core.atomic_file import creating, rename_durably, sync_folder
from handshake.core.digest import Digest, digest_file

_CHUNK_BYTES = 1 << 20
_MTIME_MASK = 0x7FFF_FFFF
"""31 bits: dates up to 2038, which every file system can carry."""


class Incoming:
    """A temporary file inside a region; what was not renamed when the block ends is removed.

    Its modification time is made from its content, because static file servers make their ETag from that
    time and the size: so the same object has the same ETag in every region, and on a restored disk.
    """

    def __init__(self, root: Path, folder: Path) -> None:
        self._root = root
        self._folder = folder
        self._path = folder / uuid.uuid4().hex

    def __enter__(self) -> Self:
        self._folder.mkdir(mode=0o700, exist_ok=True)
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._path.unlink(missing_ok=True)

    def write(self, source: BinaryIO) -> None:
        """Fill the file and bring it to the disk."""
        with creating(self._path, mode=0o644) as file:
            shutil.copyfileobj(source, file, _CHUNK_BYTES)
            file.flush()
            mtime = content_mtime(digest_file(self._path))
            os.utime(file.fileno(), (mtime, mtime))

    def link(self, origin: Path) -> None:
        """Let the file be another name of an object that is there."""
        os.link(origin, self._path, follow_symlinks=False)

    def rename_to(self, target: Path) -> None:
        """Give the file its name, in one step and for good."""
        self._make_folder(target.parent)
        rename_durably(self._path, target)

    def _make_folder(self, folder: Path) -> None:
        """Make a folder and those above it, readable to the static file server whatever the umask."""
        if folder == self._root or folder.is_dir():
            return
        self._make_folder(folder.parent)
        with suppress(FileExistsError):
            folder.mkdir()
            folder.chmod(0o755)
        sync_folder(folder.parent)


def content_mtime(digest: Digest) -> int:
    """Return the modification time that a file of this content gets, in seconds since the epoch."""
    return int(digest.removeprefix("sha256:")[:8], 16) & _MTIME_MASK
