"""A fault in a condition: what is wrong and where within its text."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One thing wrong with a condition."""

    check: str
    what: str
    hint: str
    line: int
    """Within the condition, from 1."""
    column: int
