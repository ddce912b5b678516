"""Trees of files on disk: scanned to a manifest's files, and materialised from them, read-only."""

from __future__ import annotations

import json
import os
import re
import secrets
import stat
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from operator import attrgetter
from pathlib import Path, PurePosixPath

from handshake.core.atomic_file import place_folder, write_atomically
from handshake.core.digest import Digest, digest_bytes, digest_file
from handshake.core.errors import RefusedError
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.release.manifest import LINK_MODE, ManifestFile

# Digests of files by what the disk says of them: a file that nobody has touched since is not read again.

_SETTLED_SECONDS = 2.0
"""A younger file may change again within one tick of the disk's clock, so it is read again next time."""


class Seen:
    """A cache of digests, stored in a file; a missing or damaged one is treated as empty.

    A file is unchanged if inode, size and both times are: writing to it or replacing it sets its change time
    (ctime), which programs cannot set back.
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


_CONTROL = re.compile(r"[\x00-\x1f\x7f]")
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, kw_only=True)
class Look:
    """The result of one walk through a folder."""

    paths: tuple[str, ...]
    """Everything that is not a folder, sorted; some of it may not be allowed in a release."""
    files: tuple[ManifestFile, ...]
    """The files allowed in a release, sorted by path, with the two modes of a manifest."""
    problems: tuple[Problem, ...]


def path_fault(path: str) -> str:
    """Return why a path cannot stand in a manifest; empty if it can."""
    parts = path.split("/")
    if not {"", ".", ".."}.isdisjoint(parts):
        return "is not a plain relative path"
    if _CONTROL.search(path):
        return "contains a control character"
    if _SURROGATE.search(path):
        return "is not UTF-8"
    if "\\" in path:
        return "contains a backslash"
    return ""


def scan_tree(folder: Path, *, may_link: bool = False) -> tuple[ManifestFile, ...]:
    """Return the files under a folder, sorted by path, with the two modes that a manifest knows.

    Raises ProblemsError with everything that a release cannot hold: symbolic links, sockets and devices,
    names that cannot stand in a manifest, files that cannot be read. Empty folders leave no trace.
    `may_link` lets links stand, as they are: for a tree that becomes somebody's root.
    """
    look = look_at_tree(folder, may_link=may_link)
    if look.problems:
        raise ProblemsError(look.problems)
    return look.files


def look_at_tree(folder: Path, *, may_link: bool = False, seen: Seen | None = None) -> Look:
    """Return everything under a folder: what a release can hold of it, and a problem for what it cannot.

    What `seen` knows is not read again.
    """
    problems: list[Problem] = []
    found: list[ManifestFile] = []
    paths: list[str] = []
    for name, entry in _walk(folder, problems):
        paths.append(name)
        if may_link and entry.is_symlink():
            found.append(_scan_link(name, Path(entry.path)))
        else:
            _scan_file(name, entry, found, problems, seen)
    files = sorted(found, key=attrgetter("path"))
    return Look(paths=tuple(sorted(paths)), files=tuple(files), problems=tuple(problems))


def materialise(files: tuple[ManifestFile, ...], read_blob: Callable[[Digest], bytes], target: Path) -> None:
    """Write a release's files once, verified and durable, as a read-only tree that appears whole or not at all.

    A tree that is there already is left as it is; where two do it at once, one of them wins and both
    return. Raises RefusedError for a blob whose content is not what its name says.
    """
    if target.exists():
        return
    partial = target.with_name(f".{target.name}.{secrets.token_hex(6)}")
    try:
        _write_files(files, read_blob, partial)
        _seal(partial)
        place_folder(partial, target)
    finally:
        remove_tree(partial)


def remove_tree(folder: Path) -> None:
    """Remove a tree, read-only or not, whether or not it exists."""
    if not folder.is_dir():
        return
    folder.chmod(0o700)
    for entry in list(os.scandir(folder)):
        if entry.is_dir(follow_symlinks=False):
            remove_tree(Path(entry.path))
        else:
            os.unlink(entry.path)  # noqa: PTH108 -- the entry's path is text already
    folder.rmdir()


def _walk(
    folder: Path | str, problems: list[Problem], above: str = ""
) -> Iterator[tuple[str, os.DirEntry[str]]]:
    """Yield everything under a folder that is no folder, by its path there, noting folders that cannot be read."""
    try:
        entries = sorted(os.scandir(folder), key=lambda entry: entry.name)
    except OSError as error:
        problems.append(_unreadable(Path(folder), error))
        return
    for entry in entries:
        if entry.is_dir(follow_symlinks=False):
            yield from _walk(entry.path, problems, f"{above}{entry.name}/")
        else:
            yield f"{above}{entry.name}", entry


def _scan_file(
    name: str,
    entry: os.DirEntry[str],
    found: list[ManifestFile],
    problems: list[Problem],
    seen: Seen | None,
) -> None:
    if fault := path_fault(name):
        problems.append(_bad_name(Path(entry.path), fault))
        return
    try:
        status = entry.stat(follow_symlinks=False)
        if not stat.S_ISREG(status.st_mode):
            problems.append(_not_a_file(Path(entry.path), status.st_mode))
            return
        digest = seen.digest(name, entry.path, status) if seen else digest_file(entry.path)
    except OSError as error:
        problems.append(_unreadable(Path(entry.path), error))
        return
    mode = 0o755 if status.st_mode & stat.S_IXUSR else 0o644
    found.append(ManifestFile(path=name, digest=digest, size=status.st_size, mode=mode))


def _scan_link(name: str, path: Path) -> ManifestFile:
    leads_to = os.fsencode(path.readlink())
    return ManifestFile(path=name, digest=digest_bytes(leads_to), size=len(leads_to), mode=LINK_MODE)


def _write_files(files: tuple[ManifestFile, ...], read_blob: Callable[[Digest], bytes], folder: Path) -> None:
    folder.mkdir(parents=True)
    links = {PurePosixPath(file.path) for file in files if file.is_link}
    for file in files:
        fault = path_fault(file.path)
        if not links.isdisjoint(PurePosixPath(file.path).parents):
            fault = "leads through a link, perhaps out of the tree"
        if fault:
            raise RefusedError(f"the manifest's path {file.path!r} {fault}")
        content = read_blob(file.digest)
        if digest_bytes(content) != file.digest:
            raise RefusedError(
                f"the blob for {file.path} is damaged: its content does not match its digest {file.digest}",
                hint="Publish the release again, or restore the blob from another region.",
            )
        path = folder / PurePosixPath(file.path)
        path.parent.mkdir(parents=True, exist_ok=True)
        if file.is_link:
            path.symlink_to(os.fsdecode(content))
            continue
        path.write_bytes(content)
        path.chmod(file.mode & 0o555)


def _seal(folder: Path) -> None:
    """Make every folder read-only."""
    for where, _, _ in os.walk(folder, topdown=False):
        Path(where).chmod(0o555)


def _shown(path: Path) -> str:
    """Return a path as it can be printed, whatever bytes its name holds."""
    return "".join(letter if letter.isprintable() else ascii(letter)[1:-1] for letter in str(path))


def _bad_name(path: Path, fault: str) -> Problem:
    return Problem(
        check="tree-name",
        what=f"the file's name {fault}",
        where=Location(file=_shown(path)),
        hint="Rename the file; use printable UTF-8 without backslashes.",
    )


def _not_a_file(path: Path, mode: int) -> Problem:
    if stat.S_ISLNK(mode):
        return Problem(
            check="tree-symlink",
            what="this is a symbolic link, but releases contain only files",
            where=Location(file=_shown(path)),
            hint="Replace it with a copy of the file, or remove it from the build.",
        )
    return Problem(
        check="tree-special-file",
        what="this is neither a file nor a folder",
        where=Location(file=_shown(path)),
        hint="Remove the socket, pipe or device from the folder.",
    )


def _unreadable(path: Path, error: OSError) -> Problem:
    return Problem(
        check="tree-unreadable",
        what=f"this cannot be read: {(error.strerror or str(error)).lower()}",
        where=Location(file=_shown(path)),
        hint="Check that it exists and that you can read it.",
    )
