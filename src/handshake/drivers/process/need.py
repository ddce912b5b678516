"""Programs that have to be installed: which are missing, what for, and the line that installs them."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from handshake.core.problem import Location, Problem
from handshake.drivers.process.command import find_program


@dataclass(frozen=True, kw_only=True)
class Need:
    """A program that something cannot do without."""

    program: str
    reason: str
    """What needs it, as the end of the sentence `it is needed ...`: `to confine instances`."""
    package: str
    """The Debian package that brings it."""


def missing_programs(needs: Iterable[Need]) -> list[Problem]:
    """Return a problem for each program that is not installed."""
    return [_missing(need) for need in needs if find_program(need.program) is None]


def _missing(need: Need) -> Problem:
    return Problem(
        check="missing-program",
        what=f"{need.program} is not installed; it is needed {need.reason}",
        where=Location(file=need.program),
        hint=f"sudo apt-get install {need.package}",
    )
