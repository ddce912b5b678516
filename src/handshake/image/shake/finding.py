"""A finding: what came of putting one promise to the test."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Ruling(StrEnum):
    """What a finding says. Only a broken promise, or one that could not be judged, keeps a release back."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_MADE = "not made"
    """The contract declares nothing that this promise is about."""
    UNKNOWN = "unknown"
    """It could not be put to the test, because another promise was broken."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """What is known of one promise."""

    ruling: Ruling
    said: str
    """One sentence: what was measured, or what is wrong."""
    evidence: tuple[str, ...] = ()
    """Lines of a log, or answers, that the sentence rests on."""


def kept(said: str) -> Finding:
    """Return the finding on a promise that is kept."""
    return Finding(ruling=Ruling.KEPT, said=said)


def broken(said: str, *evidence: str) -> Finding:
    """Return the finding on a promise that is broken, with what shows it."""
    return Finding(ruling=Ruling.BROKEN, said=said, evidence=evidence)


def not_made(said: str) -> Finding:
    """Return the finding on a promise that this contract does not make."""
    return Finding(ruling=Ruling.NOT_MADE, said=said)


def unknown(said: str) -> Finding:
    """Return the finding on a promise that could not be put to the test."""
    return Finding(ruling=Ruling.UNKNOWN, said=said)
