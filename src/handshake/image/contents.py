"""What each build step adds to an image: source files, packages, modules of the platform."""

from __future__ import annotations

import secrets
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath
from typing import Protocol

import handshake
from handshake.core.atomic_file import place_folder
from handshake.core.digest import canonical_json, digest_bytes, digest_file, short
from handshake.image.steps import BuildOrigin, CopyStep, NodeStep, PlatformStep, Step, WheelsStep
from handshake.release.tree import path_fault, remove_tree, scan_tree

# Packages: what a lock file names, unpacked by a driver, cleaned of what differs between machines, and kept.

_FORMAT = 1
"""Incremented when the same lock file should give another tree, so that cached trees are not used."""
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
    """Return whether an unpacked file says something about a machine, or starts with a machine's path."""
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


@dataclass(frozen=True, kw_only=True)
class ImageContent:
    """One file to be added to an image."""

    path: str
    """Below the step's target; empty if the target is the file itself."""
    source: Path
    mode: int


@dataclass(frozen=True, kw_only=True)
class Brought:
    """Everything that a step adds."""

    origin: BuildOrigin
    contents: tuple[ImageContent, ...]


@dataclass(frozen=True, kw_only=True)
class PackageSource:
    """The sources of packages, by language, and the cache of unpacked ones."""

    cache: Path
    """It may be deleted at any time."""
    wheels: Packages
    node: Packages


def bring(step: Step, packages: PackageSource) -> Brought:
    """Return what a step brings; what is slow to make is made once for the same input."""
    match step:
        case CopyStep():
            return Brought(origin=BuildOrigin.COPIED, contents=tuple(_copied(step)))
        case WheelsStep():
            return _unpacked((step.requirements,), packages.cache, packages.wheels)
        case NodeStep():
            return _unpacked((step.lock, step.package), packages.cache, packages.node)
        case PlatformStep():
            rooms = (
                ImageContent(path=f"{PACKAGE.name}/{path}", source=PACKAGE / path, mode=0o644)
                for path in room_files(step.rooms)
            )
            return Brought(origin=BuildOrigin.COPIED, contents=tuple(rooms))


def _copied(step: CopyStep) -> Iterator[ImageContent]:
    """Yield a file, or a folder's files without the byte code that running it from there has left behind."""
    if step.source.is_file():
        mode = 0o755 if step.is_executable or step.source.stat().st_mode & 0o100 else 0o644
        yield ImageContent(path="" if step.to else step.source.name, source=step.source, mode=mode)
        return
    for file in scan_tree(step.source):
        if "__pycache__" not in file.path.split("/"):
            mode = 0o755 if step.is_executable else file.mode
            yield ImageContent(path=file.path, source=step.source / file.path, mode=mode)


def _unpacked(locks: Sequence[Path], cache: Path, packages: Packages) -> Brought:
    unpacked = cached_packages(locks, cache, packages)
    contents = (
        ImageContent(path=file.path, source=unpacked.folder / file.path, mode=file.mode)
        for file in scan_tree(unpacked.folder)
        if not is_noise(file.path)
    )
    origin = BuildOrigin.CACHED if unpacked.was_kept else BuildOrigin.UNPACKED
    return Brought(origin=origin, contents=tuple(contents))


# The platform's own package, as a source of files for images.

PACKAGE = Path(handshake.__file__).resolve().parent


def known_rooms() -> tuple[str, ...]:
    """Return the names of everything that a recipe may ask for at the package's first level."""
    return tuple(sorted(path.parent.name for path in PACKAGE.glob("*/__init__.py")))


def is_room(name: str) -> bool:
    """Return whether the package holds a room (`core`, `drivers/redis`) or a module (`renderer/__main__.py`) of this name."""
    if path_fault(name):
        return False
    path = PACKAGE / name
    return (path / "__init__.py").is_file() or (path.suffix == ".py" and path.is_file())


def room_files(rooms: tuple[str, ...]) -> tuple[str, ...]:
    """Return the modules of these rooms, with the `__init__.py` of every package around them; sorted."""
    files = {file for room in rooms for file in _modules(PACKAGE / room)}
    around = {
        parent / "__init__.py" for file in files for parent in file.parents if parent.is_relative_to(PACKAGE)
    }
    return tuple(sorted(file.relative_to(PACKAGE).as_posix() for file in files | around))


def _modules(room: Path) -> list[Path]:
    return [room] if room.is_file() else sorted(room.rglob("*.py"))
