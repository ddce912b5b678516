"""The object store over a directory: each object a file, written beside and renamed into place."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import uuid
from collections.abc import Collection, Iterable, Iterator, Mapping
from contextlib import contextmanager, suppress
from io import BytesIO
from pathlib import Path
from types import TracebackType
from typing import BinaryIO, Self

from handshake.core.atomic_file import creating, rename_durably, sync_folder
from handshake.core.digest import Digest, digest_file
from handshake.core.errors import HandshakeError, RefusedError, UnavailableError
from handshake.release.manifest import Encoding
from handshake.release.objects import INCOMING, ObjectInfo, check_key, check_prefix

# A file on its way into a store: written under no name that anybody reads, then renamed into place.

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


_NO_LINK = {errno.EMLINK, errno.EXDEV, errno.EPERM, errno.EOPNOTSUPP}
"""Said by a file that has as many names as it can, and by file systems without second names."""


def make_region(root: Path, region: str) -> DirectoryStore:
    """Return the store over a directory, which is made if it is not there."""
    with translate_errors(root, region):
        root.mkdir(mode=0o755, parents=True, exist_ok=True)
    return DirectoryStore(root, region)


class DirectoryStore:
    """One region in a directory. Keeps the ObjectStore Protocol; any number of processes may use it at once.

    A missing root directory is a region that does not answer, never an empty one: a disk that is not
    mounted must not look like a store that lost everything. Content types and cache rules are not kept:
    the static file server in front derives both from the key.
    """

    def __init__(self, root: Path, region: str) -> None:
        self._root = root
        self._region = region

    @property
    def region(self) -> str:
        """The region's name."""
        return self._region

    def put(
        self,
        key: str,
        content: Path | bytes,
        *,
        content_type: str = "",  # noqa: ARG002 -- the Protocol's; a file has a name for it
        cache_control: str = "",  # noqa: ARG002 -- the same
        encoding: Encoding | None = None,  # noqa: ARG002 -- the same
    ) -> None:
        """Write an object: atomic, durable when it returns, idempotent. UnavailableError, RefusedError."""
        target = self._path(key)
        with (
            _open(content) as source,
            translate_errors(self._root, self._region),
            self._incoming() as incoming,
        ):
            incoming.write(source)
            incoming.rename_to(target)

    def get(self, key: str) -> bytes | None:
        """Return an object's content, None if there is none. UnavailableError."""
        path = self._path(key)
        with translate_errors(self._root, self._region):
            return path.read_bytes() if self._is_object(path) else None

    def download(self, key: str, target: Path) -> bool:
        """Write an object's content to a file, flat in memory; False if there is no such object."""
        path = self._path(key)
        with translate_errors(self._root, self._region):
            if not self._is_object(path):
                return False
            shutil.copyfile(path, target)
            return True

    def info(self, key: str) -> ObjectInfo | None:
        """Return what the store knows of an object; the digest is that of the bytes on disk, read now."""
        path = self._path(key)
        with translate_errors(self._root, self._region):
            if not self._is_object(path):
                return None
            return ObjectInfo(key=key, size=path.stat().st_size, digest=digest_file(path))

    def recall(self, keys: Collection[str]) -> Mapping[str, Digest]:
        """Return nothing: what stands on a disk is known by reading it."""
        del keys
        return {}

    def keys(self, prefix: str) -> Iterator[str]:
        """Yield every key under a prefix, sorted."""
        folder = self._root / check_prefix(prefix).rpartition("/")[0]
        with translate_errors(self._root, self._region):
            self._require_root()
            found = [key for key in self._walk(folder) if key.startswith(prefix)]
        yield from sorted(found)

    def copy(self, source: str, target: str) -> None:
        """Copy an object inside the store, atomic like put; RefusedError where there is no such source.

        The copy is another name of the same file: objects never change in place, so it can never differ.
        """
        origin, goal = self._path(source), self._path(target)
        with translate_errors(self._root, self._region), self._incoming() as incoming:
            if not self._is_object(origin):
                raise RefusedError(f"region {self._region} has no object {source}", hint="Upload it instead.")
            try:
                incoming.link(origin)
            except OSError as error:
                if error.errno not in _NO_LINK:
                    raise
                with origin.open("rb") as content:
                    incoming.write(content)
            incoming.rename_to(goal)

    def delete(self, keys: Iterable[str]) -> None:
        """Remove objects; one that is missing is not an error."""
        paths = [self._path(key) for key in keys]
        with translate_errors(self._root, self._region):
            self._require_root()
            for path in paths:
                with suppress(FileNotFoundError, NotADirectoryError):
                    path.unlink()

    def _path(self, key: str) -> Path:
        return self._root / check_key(key)

    def _incoming(self) -> Incoming:
        self._require_root()
        return Incoming(self._root, self._root / INCOMING)

    def _is_object(self, path: Path) -> bool:
        try:
            return stat.S_ISREG(path.lstat().st_mode)
        except (FileNotFoundError, NotADirectoryError):
            self._require_root()
            return False

    def _require_root(self) -> None:
        if not self._root.is_dir():
            raise UnavailableError(
                f"region {self._region} does not answer: {self._root} is not a directory",
                hint="Mount its disk, or create the directory if the region is new.",
            )

    def _walk(self, folder: Path) -> Iterator[str]:
        for parent, folders, files in os.walk(folder, onerror=_raise):
            if Path(parent) == self._root and INCOMING in folders:
                folders.remove(INCOMING)
            yield from ((Path(parent) / name).relative_to(self._root).as_posix() for name in files)


def _open(content: Path | bytes) -> BinaryIO:
    if isinstance(content, bytes):
        return BytesIO(content)
    try:
        return content.open("rb")
    except OSError as error:
        raise RefusedError(
            f"{content} cannot be read", hint="It must be a file that this user can read.", details=str(error)
        ) from error


def _raise(error: OSError) -> None:
    if not isinstance(error, FileNotFoundError | NotADirectoryError):
        raise error


# What the file system says, in the platform's words.

_FULL = {errno.ENOSPC, errno.EDQUOT}
_FORBIDDEN = {errno.EACCES, errno.EPERM, errno.EROFS}
_IMPOSSIBLE = {errno.ENAMETOOLONG, errno.ENOTDIR, errno.EISDIR, errno.EEXIST}


@contextmanager
def translate_errors(root: Path, region: str) -> Iterator[None]:
    """Turn every OSError of the block into RefusedError or UnavailableError with a hint."""
    try:
        yield
    except OSError as error:
        raise _translate(error, root, region) from error


def _translate(error: OSError, root: Path, region: str) -> HandshakeError:
    if error.errno in _FULL:
        return UnavailableError(
            f"region {region} is full",
            hint=f"Free some space under {root} and try again.",
            details=str(error),
        )
    if error.errno in _FORBIDDEN:
        return RefusedError(
            f"region {region} does not let this user read or write",
            hint=f"Give the user who runs this write permission under {root}.",
            details=str(error),
        )
    if error.errno in _IMPOSSIBLE:
        return RefusedError(
            f"region {region} cannot store an object with this name",
            hint="An object's key must not be the folder of another, or longer than the file system allows.",
            details=str(error),
        )
    return UnavailableError(
        f"region {region} does not answer", hint=f"Check the disk of {root}.", details=str(error)
    )
