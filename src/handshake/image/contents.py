"""What each step brings into an image: path below its target, source, mode."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from handshake.core.tree import scan_tree
from handshake.image.packages import Packages, cached_packages, is_noise
from handshake.image.platform import PACKAGE, room_files
from handshake.image.step import CopyStep, NodeStep, Origin, PlatformStep, Step, WheelsStep


@dataclass(frozen=True, kw_only=True)
class Content:
    """One file on its way into an image."""

    path: str
    """Below the step's target; empty where the target names the file itself."""
    source: Path
    mode: int


@dataclass(frozen=True, kw_only=True)
class Brought:
    """All that a step brings."""

    origin: Origin
    contents: tuple[Content, ...]


@dataclass(frozen=True, kw_only=True)
class Larder:
    """Where packages come from, by language, and where unpacked ones are kept."""

    cache: Path
    """It may be deleted at any time."""
    wheels: Packages
    node: Packages


def bring(step: Step, larder: Larder) -> Brought:
    """Return what a step brings; what is slow to make is made once for the same input."""
    match step:
        case CopyStep():
            return Brought(origin=Origin.COPIED, contents=tuple(_copied(step)))
        case WheelsStep():
            return _unpacked((step.requirements,), larder.cache, larder.wheels)
        case NodeStep():
            return _unpacked((step.lock, step.package), larder.cache, larder.node)
        case PlatformStep():
            rooms = (
                Content(path=f"{PACKAGE.name}/{path}", source=PACKAGE / path, mode=0o644)
                for path in room_files(step.rooms)
            )
            return Brought(origin=Origin.COPIED, contents=tuple(rooms))


def _copied(step: CopyStep) -> Iterator[Content]:
    """Yield a file, or a folder's files without the byte code that running it from there has left behind."""
    if step.source.is_file():
        mode = 0o755 if step.is_executable or step.source.stat().st_mode & 0o100 else 0o644
        yield Content(path="" if step.to else step.source.name, source=step.source, mode=mode)
        return
    for file in scan_tree(step.source):
        if "__pycache__" not in file.path.split("/"):
            mode = 0o755 if step.is_executable else file.mode
            yield Content(path=file.path, source=step.source / file.path, mode=mode)


def _unpacked(locks: Sequence[Path], cache: Path, packages: Packages) -> Brought:
    unpacked = cached_packages(locks, cache, packages)
    contents = (
        Content(path=file.path, source=unpacked.folder / file.path, mode=file.mode)
        for file in scan_tree(unpacked.folder)
        if not is_noise(file.path)
    )
    origin = Origin.CACHED if unpacked.was_kept else Origin.UNPACKED
    return Brought(origin=origin, contents=tuple(contents))
