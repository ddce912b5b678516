"""Build steps: a recipe's `[[build]]` tables, resolved to files on disk."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path

from handshake.config.reader import Loaded
from handshake.core.problem import Location
from handshake.image.recipe import BuildSettings, Recipe

PACKAGE_FILE = "package.json"
"""Beside npm's lock file; the two must agree."""


@dataclass(frozen=True, kw_only=True)
class CopyStep:
    """Copy a file, or the contents of a folder."""

    source: Path
    to: str
    is_executable: bool
    """Whether the file becomes executable regardless of its mode: a downloaded binary may have lost it."""
    where: Location


@dataclass(frozen=True, kw_only=True)
class WheelsStep:
    """Unpack the wheels that a file of pinned requirements names."""

    requirements: Path
    to: str
    where: Location


@dataclass(frozen=True, kw_only=True)
class NodeStep:
    """Unpack the packages that npm's lock file names."""

    lock: Path
    to: str
    where: Location

    @property
    def package(self) -> Path:
        """The package file beside the lock file."""
        return self.lock.with_name(PACKAGE_FILE)


@dataclass(frozen=True, kw_only=True)
class PlatformStep:
    """Copy modules of the platform's own package."""

    rooms: tuple[str, ...]
    to: str
    where: Location


Step = CopyStep | WheelsStep | NodeStep | PlatformStep


@dataclass(frozen=True, kw_only=True)
class BuildProgress:
    """The progress of a bake."""

    step: int
    """Counted from 1."""
    steps: int
    what: str
    """The step that starts now: `python requirements.txt`."""


class BuildOrigin(StrEnum):
    """The origin of a step's files."""

    COPIED = "copied"
    UNPACKED = "unpacked"
    """Made by an installer, in this bake."""
    CACHED = "cached"
    """Made by an installer, in an earlier bake."""


@dataclass(frozen=True, kw_only=True)
class BakedStep:
    """The result of a step."""

    what: str
    to: str
    """The target of its files; empty for the image's root."""
    origin: BuildOrigin
    files: int
    bytes: int
    seconds: float


def print_step(step: Step) -> str:
    """Return a step in a few words, as its recipe says it."""
    match step:
        case CopyStep():
            return f"copy {step.source.name}"
        case WheelsStep():
            return f"python {step.requirements.name}"
        case NodeStep():
            return f"node {step.lock.name}"
        case PlatformStep():
            return f"platform {', '.join(step.rooms)}"


def recipe_steps(loaded: Loaded[Recipe], folder: Path) -> tuple[Step, ...]:
    """Return a checked recipe's steps in their order; its paths are relative to `folder`."""
    return tuple(
        _resolve(build, folder, loaded.source.at("build", number))
        for number, build in enumerate(loaded.model.build)
    )


def _resolve(build: BuildSettings, folder: Path, where: Location) -> Step:
    to = "" if build.to == "." else build.to
    if build.copy_:
        source = (folder / build.copy_).resolve()
        return CopyStep(source=source, to=to, is_executable=build.executable, where=where)
    if build.python:
        return WheelsStep(requirements=(folder / build.python).resolve(), to=to, where=where)
    if build.node:
        return NodeStep(lock=(folder / build.node).resolve(), to=to, where=where)
    return PlatformStep(rooms=build.platform, to=to, where=where)
