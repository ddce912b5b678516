"""Build steps: a recipe's `[[build]]` tables, resolved to files on disk."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from handshake.config.reader import Loaded
from handshake.core.problem import Location
from handshake.image.recipe import BuildSettings, Recipe


@dataclass(frozen=True, kw_only=True)
class CopyStep:
    """Copy a file, or what a folder holds."""

    source: Path
    to: str
    where: Location


@dataclass(frozen=True, kw_only=True)
class WheelsStep:
    """Unpack the wheels that a file of pinned requirements names."""

    requirements: Path
    to: str
    where: Location


@dataclass(frozen=True, kw_only=True)
class PlatformStep:
    """Copy rooms of the platform's own package."""

    rooms: tuple[str, ...]
    to: str
    where: Location


Step = CopyStep | WheelsStep | PlatformStep


@dataclass(frozen=True, kw_only=True)
class Progress:
    """How far a bake has come."""

    step: int
    """Counted from 1."""
    steps: int
    what: str
    """What begins now: `python requirements.txt`."""


def print_step(step: Step) -> str:
    """Return a step in a few words, as its recipe says it."""
    match step:
        case CopyStep():
            return f"copy {step.source.name}"
        case WheelsStep():
            return f"python {step.requirements.name}"
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
        return CopyStep(source=(folder / build.copy_).resolve(), to=to, where=where)
    if build.python:
        return WheelsStep(requirements=(folder / build.python).resolve(), to=to, where=where)
    return PlatformStep(rooms=build.platform, to=to, where=where)
