"""An instance: one disposable sandbox or machine, assigned by the leader, reported by its node's agent."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum

from handshake.core.digest import Digest, short
from handshake.core.verdict import Verdicts


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


class Phase(StrEnum):
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
    phase: Phase = Phase.RUN
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
