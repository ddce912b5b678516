"""npm's lock files: an image is its content, so each package is pinned by its integrity, and by nothing else."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from handshake.core.problem import Location, Problem

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
            what=f"{name} has no integrity: what it holds is left to the day of the build",
            where=Location(file=file),
            hint="take packages from a registry; copy what lies in the campaign with a step of its own",
        )
    if "resolved" in its:
        yield Problem(
            check="lock-address",
            what=f"{name} names an address: another machine may have to fetch it elsewhere",
            where=Location(file=file),
            hint=f"write the lock file without addresses: rm package-lock.json; {_WRITE_IT}",
        )


def _no_lock(file: str, why: str) -> Problem:
    return Problem(
        check="no-lock-file",
        what=f"this is no lock file of npm 7 or newer: {why}",
        where=Location(file=file),
        hint=f"write one: {_WRITE_IT}",
    )
