"""An instance: one disposable sandbox or machine, and the verdicts on it with the evidence that they rest on."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from handshake.core.digest import Digest, short

# Verdicts on an instance and the evidence that they rest on.


class VerdictState(StrEnum):
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

    finding: VerdictState = VerdictState.UNKNOWN
    since: float = 0.0
    """UTC, seconds since the epoch, when the finding became what it is."""
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
    """The three verdicts: replace it now? may it have traffic? is it what the pointers ask for?"""

    alive: Verdict = field(default_factory=Verdict)
    ready: Verdict = field(default_factory=Verdict)
    fresh: Verdict = field(default_factory=Verdict)


def judge(before: Verdict, finding: VerdictState, evidence: Evidence) -> Verdict:
    """Return the verdict after a probe: `since` moves only when the finding changes."""
    since = before.since if before.finding is finding else evidence.at
    return Verdict(finding=finding, since=since, evidence=evidence)


@dataclass(frozen=True, kw_only=True, order=True)
class Generation:
    """The frozen pair that a launch carries."""

    image: Digest
    templates: Digest | None = None
    """None where the service renders no templates."""
    secrets: str = ""
    """A keyed digest of the secrets it was started with, so that rotating one makes it stale."""

    def __str__(self) -> str:
        return short(self.image) + (f"+{short(self.templates)}" if self.templates else "")


class InstancePhase(StrEnum):
    """What the leader wants of an instance; one that is no longer assigned is stopped."""

    RUN = "run"
    WARM = "warm"
    """Run, and get no traffic: of a fleet that is about to take over, or that may have to come back."""
    DRAIN = "drain"


class Purpose(StrEnum):
    """Why an instance was launched."""

    STEADY = "steady"
    TRIAL = "trial"
    CANARY = "canary"
    """One of several that try the target on a share of the traffic."""
    BASELINE = "baseline"
    """A fresh one of the stable generation, with which canaries are compared."""


@dataclass(frozen=True, kw_only=True)
class Assignment:
    """The leader's word to a node: run this generation of this service under this id."""

    instance: str
    """`<service>-<8 base32 digits>`."""
    node: str
    service: str
    generation: Generation
    phase: InstancePhase = InstancePhase.RUN
    purpose: Purpose = Purpose.STEADY
    assigned_at: float
    phase_at: float
    """When the phase became what it is."""


@dataclass(frozen=True, kw_only=True)
class InstanceReport:
    """The agent's word about one instance that it runs or ran."""

    instance: str
    node: str
    service: str
    generation: Generation
    host: str
    port: int
    started_at: float
    verdicts: Verdicts = field(default_factory=Verdicts)
    log_tail: tuple[str, ...] = ()
    """The last lines it wrote, kept once it is not alive."""
