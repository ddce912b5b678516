"""A problem in somebody's input: the check that found it, what is wrong, where, and what to do."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True, order=True)
class Location:
    """A position in a file; line and column count from 1, and 0 means the whole file."""

    file: str
    line: int = 0
    column: int = 0

    def __str__(self) -> str:
        numbers = f":{self.line}:{self.column}" if self.line else ""
        return f"{self.file}{numbers}"


@dataclass(frozen=True, kw_only=True)
class Problem:
    """One error in the input."""

    check: str
    """The check's id, such as `unknown-key`; each has its entry in docs/reference/checks.md."""
    what: str
    where: Location
    hint: str

    def __str__(self) -> str:
        return f"{self.where}: {self.what} [{self.check}]\n    {self.hint}"


class ProblemsError(Exception):
    """The input was refused; it holds every problem that was found."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        self.problems = tuple(sorted(problems, key=lambda problem: (problem.where, problem.check)))
        super().__init__("\n".join(str(problem) for problem in self.problems))
