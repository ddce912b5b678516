"""Verdicts on an instance and the evidence that they rest on."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Finding(StrEnum):
    """What a verdict says. Unknown changes nothing."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """What the last probe saw."""

    status: int = 0
    """HTTP status; 0 where no answer came."""
    body: str = ""
    """The answer's first 500 characters, or why none came."""
    latency_seconds: float = 0.0
    at: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One question, its answer, since when it stands, and why."""

    finding: Finding = Finding.UNKNOWN
    since: float = 0.0
    """UTC, seconds since the epoch, when the finding became what it is."""
    evidence: Evidence = field(default_factory=Evidence)

    @property
    def is_yes(self) -> bool:
        """Whether the answer is known to be yes."""
        return self.finding is Finding.YES

    @property
    def is_no(self) -> bool:
        """Whether the answer is known to be no."""
        return self.finding is Finding.NO


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """The three verdicts: replace it now? may it have traffic? is it what the pointers ask for?"""

    alive: Verdict = field(default_factory=Verdict)
    ready: Verdict = field(default_factory=Verdict)
    fresh: Verdict = field(default_factory=Verdict)


def judge(before: Verdict, finding: Finding, evidence: Evidence) -> Verdict:
    """Return the verdict after a probe: `since` moves only when the finding changes."""
    since = before.since if before.finding is finding else evidence.at
    return Verdict(finding=finding, since=since, evidence=evidence)
