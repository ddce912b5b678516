"""An instance: one disposable sandbox or machine, and the verdicts on it with their evidence."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from handshake.core.digest import Digest, short

# Verdicts on an instance and the evidence that they rest on.


class VerdictState(StrEnum):
    """The value of a verdict. Unknown changes nothing."""

    YES = "yes"
    NO = "no"
    UNKNOWN = "unknown"


@dataclass(frozen=True, kw_only=True)
class Evidence:
    """The result of the last probe."""

    status: int = 0
    """HTTP status; 0 if there was no answer."""
    body: str = ""
    """The first 500 characters of the answer, or why there was none."""
    latency_seconds: float = 0.0
    at: float = 0.0


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """One verdict: its value, since when, and why."""

    finding: VerdictState = VerdictState.UNKNOWN
    since: float = 0.0
    """When the value last changed; UTC, seconds since the epoch."""
    evidence: Evidence = field(default_factory=Evidence)

    @property
    def is_yes(self) -> bool:
        """Whether the answer is known to be yes."""
        return self.finding is VerdictState.YES

    @property
    def is_no(self) -> bool:
        """Whether the answer is known to be no."""
        return self.finding is VerdictState.NO


@dataclass(frozen=True, kw_only=True)
class Verdicts:
    """The three verdicts: alive (replace it?), ready (send it traffic?), fresh (is it what the pointers ask for?)."""

    alive: Verdict = field(default_factory=Verdict)
    ready: Verdict = field(default_factory=Verdict)
    fresh: Verdict = field(default_factory=Verdict)


def judge(before: Verdict, finding: VerdictState, evidence: Evidence) -> Verdict:
    """Return the verdict after a probe: `since` moves only when the finding changes."""
    since = before.since if before.finding is finding else evidence.at
    return Verdict(finding=finding, since=since, evidence=evidence)


@dataclass(frozen=True, kw_only=True, order=True)
class Generation:
    """The frozen pair of releases that a launch carries."""

    image: Digest
    templates: Digest | None = None
    """None if the service renders no templates."""
    secrets: str = ""
    """A keyed digest of its secrets, so that a rotation makes the instance stale."""

    def __str__(self) -> str:
        return short(self.image) + (f"+{short(self.templates)}" if self.templates else "")


class InstancePhase(StrEnum):
    """The leader's intent for an instance; an unassigned instance is stopped."""

    RUN = "run"
    WARM = "warm"
    """Run without traffic: part of a fleet that is about to take over, or that may have to come back."""
    DRAIN = "drain"


class Purpose(StrEnum):
    """Why an instance was launched."""

    STEADY = "steady"
    TRIAL = "trial"
    CANARY = "canary"
    """One of several that test the target with a share of the traffic."""
    BASELINE = "baseline"
    """A fresh instance of the stable generation, with which canaries are compared."""


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """The leader's order to a node: run this generation of this service under this id."""

    instance: str
    """`<service>-<8 base32 digits>`."""
    node: str
    service: str
    generation: Generation
    phase: InstancePhase = InstancePhase.RUN
    purpose: Purpose = Purpose.STEADY
    assigned_at: float
    phase_at: float
    """When the phase last changed."""


@dataclass(frozen=True, kw_only=True)
class InstanceReport:
    """An agent's report about one of its instances."""

    instance: str
    node: str
    service: str
    generation: Generation
    host: str
    port: int
    started_at: float
    verdicts: Verdicts = field(default_factory=Verdicts)
    log_tail: tuple[str, ...] = ()
    """The last lines of its log, kept once it is no longer alive."""
