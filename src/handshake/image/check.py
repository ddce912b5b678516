"""What can be wrong with a recipe beyond its types: sources, targets, pins and lock files."""

from __future__ import annotations

import difflib
import json
import os
import re
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

from handshake.config.reader import Loaded
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.image.contents import is_room, known_rooms
from handshake.image.recipe import BuildSettings, Recipe
from handshake.image.steps import PACKAGE_FILE
from handshake.release.tree import path_fault, scan_tree


def check_recipe(loaded: Loaded[Recipe], folder: Path, campaign: Path) -> list[Problem]:
    """Return everything wrong with a recipe's build steps.

    `folder` is where the recipe lies; no source may lie outside of `campaign`.
    """
    builds = list(enumerate(loaded.model.build))
    return [
        *(problem for number, build in builds for problem in _check_kind(loaded, number, build)),
        *(problem for number, build in builds for problem in _check_target(loaded, number, build)),
        *(
            problem
            for number, build in builds
            for problem in _check_source(loaded, number, build, folder, campaign)
        ),
        *(problem for number, build in builds for problem in _check_rooms(loaded, number, build)),
    ]


def _check_kind(loaded: Loaded[Recipe], number: int, build: BuildSettings) -> Iterator[Problem]:
    named = [key for key, value in _sources(build).items() if value]
    if len(named) != 1:
        yield Problem(
            check="build-step-kind",
            what=f"this step names {' and '.join(named) or 'no source'}",
            where=loaded.source.at("build", number),
            hint="Give each [[build]] exactly one of copy, python, node and platform",
        )


def _check_target(loaded: Loaded[Recipe], number: int, build: BuildSettings) -> Iterator[Problem]:
    fault = "" if build.to == "." else path_fault(build.to)
    if fault:
        yield Problem(
            check="build-target",
            what=f"the target {build.to!r} {fault}",
            where=loaded.source.at("build", number, "to"),
            hint="Use a path inside the image, such as lib, or . for its root",
        )


def _check_source(
    loaded: Loaded[Recipe], number: int, build: BuildSettings, folder: Path, campaign: Path
) -> Iterator[Problem]:
    for key in ("copy", "python", "node"):
        name = _sources(build)[key]
        if not name:
            continue
        where = loaded.source.at("build", number, key)
        source = (folder / str(name)).resolve()
        if not source.is_relative_to(campaign.resolve()):
            yield _outside(str(name), where, campaign)
        elif not source.exists():
            yield _missing(str(name), where, folder)
        elif key == "copy":
            yield from _check_content(source)
        elif key == "python":
            yield from _check_pins(source, check_requirements)
        else:
            yield from _check_pins(source, check_lock)
            if not source.with_name(PACKAGE_FILE).is_file():
                yield _missing(PACKAGE_FILE, where, source.parent)


def _check_content(source: Path) -> Iterator[Problem]:
    if not source.is_dir():
        yield from _check_readable(source)
        return
    try:
        scan_tree(source)
    except ProblemsError as error:
        yield from error.problems


def _check_readable(source: Path) -> Iterator[Problem]:
    if not source.is_file() or not os.access(source, os.R_OK):
        yield _unreadable(source, "it is not a file, or you cannot read it")


def _check_pins(source: Path, check: Callable[[str, str], list[Problem]]) -> Iterator[Problem]:
    try:
        yield from check(source.read_text(encoding="utf-8"), str(source))
    except (OSError, UnicodeDecodeError) as error:
        yield _unreadable(source, str(error))


def _check_rooms(loaded: Loaded[Recipe], number: int, build: BuildSettings) -> Iterator[Problem]:
    for index, room in enumerate(build.platform):
        if is_room(room):
            continue
        nearest = difflib.get_close_matches(room, known_rooms(), n=1, cutoff=0.5)
        yield Problem(
            check="unknown-room",
            what=f"the platform has no package {room!r}",
            where=loaded.source.at("build", number, "platform", index),
            hint=f"Did you mean {nearest[0]}?" if nearest else f"Its packages are {', '.join(known_rooms())}",
        )


def _sources(build: BuildSettings) -> dict[str, str | tuple[str, ...]]:
    return {"copy": build.copy_, "python": build.python, "node": build.node, "platform": build.platform}


def _outside(name: str, where: Location, campaign: Path) -> Problem:
    return Problem(
        check="build-source-outside",
        what=f"{name} is outside the campaign's folder, {campaign}",
        where=where,
        hint="Move it into the campaign's folder.",
    )


def _missing(name: str, where: Location, folder: Path) -> Problem:
    return Problem(
        check="build-source-missing",
        what=f"{name} does not exist in {folder}",
        where=where,
        hint="Create it, or correct the path, which is relative to service.toml",
    )


def _unreadable(source: Path, why: str) -> Problem:
    return Problem(
        check="tree-unreadable",
        what=f"the file cannot be read: {why}",
        where=Location(file=str(source)),
        hint="Check that it is a file that you can read; requirements must be UTF-8 text.",
    )


# npm's lock files: an image is its content, so each package is pinned by its integrity, and by nothing else.

_OLDEST_VERSION = 2
"""The first whose `packages` say all; npm has written it since 2020."""
_WRITE_IT = "npm install --package-lock-only --omit-lockfile-registry-resolved"


def check_lock(text: str, file: str) -> list[Problem]:
    """Return a problem for each package that a lock file does not pin by integrity, or names an address for."""
    try:
        lock = json.loads(text)
    except ValueError as error:
        return [_no_lock(file, str(error))]
    if not isinstance(lock, Mapping) or not isinstance(lock.get("packages"), Mapping):
        return [_no_lock(file, "it has no table of packages")]
    if lock.get("lockfileVersion", 0) < _OLDEST_VERSION:
        return [_no_lock(file, f"its version is {lock.get('lockfileVersion')}")]
    packages: Mapping[str, Mapping[str, Any]] = lock["packages"]
    return [
        problem
        for name, its in packages.items()
        if name and not its.get("dev")
        for problem in _check(name, its, file)
    ]


def _check(name: str, its: Mapping[str, Any], file: str) -> Iterator[Problem]:
    if not its.get("integrity") and not its.get("inBundle"):
        yield Problem(
            check="unpinned-package",
            what=f"{name} has no integrity hash, so its content could change between builds",
            where=Location(file=file),
            hint="Use packages from a registry; copy local files with a step of their own.",
        )
    if "resolved" in its:
        yield Problem(
            check="lock-address",
            what=f"{name} contains a URL, which may not work on other machines",
            where=Location(file=file),
            hint=f"Write the lock file without URLs: rm package-lock.json; {_WRITE_IT}",
        )


def _no_lock(file: str, why: str) -> Problem:
    return Problem(
        check="no-lock-file",
        what=f"not a lock file of npm 7 or newer: {why}",
        where=Location(file=file),
        hint=f"Write one: {_WRITE_IT}",
    )


# Files of pinned requirements: an image is its content, so each line names one version of one distribution.

_PINNED = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(\[[A-Za-z0-9,._ -]+\])?\s*==\s*[A-Za-z0-9.!+_-]+(\s*;.*)?")
_HASH = re.compile(r"\s*--hash=sha256:[0-9a-f]{64}")


def check_requirements(text: str, file: str) -> list[Problem]:
    """Return a problem for each line that is no `name==version`, with or without hashes and a marker."""
    return [
        Problem(
            check="unpinned-requirement",
            what=f"{line.strip()!r} is not pinned to a version",
            where=Location(file=file, line=number, column=1),
            hint="Write name==version, so that the content does not change between builds.",
        )
        for number, line in enumerate(text.splitlines(), 1)
        if not _is_pinned(line)
    ]


def _is_pinned(line: str) -> bool:
    bare = _HASH.sub("", re.sub(r"(^|\s)#.*", "", line).rstrip().removesuffix("\\")).strip()
    return not bare or bool(_PINNED.fullmatch(bare))
