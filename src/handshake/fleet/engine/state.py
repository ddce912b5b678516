"""The engine's inputs (desired, observed), its record of a rollout, and its output (a plan)."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from enum import StrEnum

from handshake.core.digest import Digest, short
from handshake.core.outcome import Outcome
from handshake.fleet.engine.canary_analysis import CanarySample
from handshake.fleet.engine.freeze import Freeze
from handshake.fleet.engine.steps import Step
from handshake.fleet.engine.strategy import Canary, CanarySettings, Strategy, Warm
from handshake.fleet.instance import Assignment, Generation, InstancePhase, InstanceReport, Purpose, Verdicts
from handshake.pointers.pointer import Pointer


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The larger of a count and a share of the fleet, at least one."""

    count: int = 1
    share: float = 0.25

    def size(self, desired: int) -> int:
        """Return the budget of a fleet of `desired` instances."""
        return max(1, self.count, int(self.share * desired))


# Holds: an operator's word that a service's fleet is left as it is, for a time or until taken back.


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Who paused a service's rollouts, why, and for how long."""

    service: str
    owner: str
    reason: str
    since: float
    """UTC, seconds since the epoch."""
    until: float | None
    """When it ends by itself; None: only when resumed."""

    def is_active(self, now: float) -> bool:
        """Return whether it holds at a moment."""
        return self.until is None or now < self.until


# Parts: what a target is put together from, so that a failure can be laid on what changed.

SECRETS = "secrets"


@dataclass(frozen=True, kw_only=True)
class PlanPart:
    """One pointer's release at one revision, or the secrets: promoting the same release again makes a new part."""

    name: str
    """The pointer's subject (`image/hamm`), or `secrets`."""
    value: str
    """The release, or the secrets' keyed digest."""
    revision: int = 0
    """The pointer's revision; 0 for secrets, which have none."""

    def __str__(self) -> str:
        return self.name if self.name == SECRETS else f"{self.name} {short(Digest(self.value))}"


@dataclass(frozen=True, kw_only=True)
class BadPart:
    """A part that failed its trial; it is not tried again."""

    part: PlanPart
    reason: str
    at: float
    """UTC, seconds since the epoch."""


def pointer_part(pointer: Pointer) -> PlanPart:
    """Return the part that a pointer stands for."""
    return PlanPart(name=str(pointer.subject), value=pointer.release, revision=pointer.revision)


def secrets_part(secrets: str) -> PlanPart:
    """Return the part that the secrets are."""
    return PlanPart(name=SECRETS, value=secrets)


# State: what the engine is told (desired, observed) and what it keeps (the rollout record).

_SILENT = Verdicts()


@dataclass(frozen=True, kw_only=True)
class FleetSettings:
    """The size of a service's fleet and the limits of its replacement."""

    desired: int
    """The current target number of instances; at least 1."""
    max_parallel: Budget = field(default_factory=Budget)
    soak_seconds: float = 10.0
    """How long a new instance must be alive, ready and fresh without interruption before it counts."""
    deadline_seconds: float = 300.0
    """How long a new instance may take to become ready."""
    drain_seconds: float = 30.0
    """How long an instance may take to finish requests in flight."""
    floor_share: float = 1.0
    """The share of `desired` that serves at all times during a planned replacement."""
    brake_seconds: float = 60.0
    """Members that fail the same way within this interval have a common cause outside of them."""
    strategy: Strategy = Strategy.ROLLING
    keep_warm_seconds: float = 600.0
    """How long blue-green keeps the old generation for an instant rollback; 0: not at all."""
    canary: CanarySettings = field(default_factory=CanarySettings)

    def __post_init__(self) -> None:
        if self.desired < 1:
            raise ValueError("a fleet must have at least one instance")

    @property
    def budget(self) -> int:
        """Return how many instances beyond `desired` may exist for a replacement's sake."""
        size = self.max_parallel.size(self.desired)
        match self.strategy:
            case Strategy.ROLLING:
                return size
            case Strategy.BLUE_GREEN:
                return self.desired
            case Strategy.CANARY:
                return max(size, 2 * self.canary_size)

    @property
    def canary_size(self) -> int:
        """Return how many instances each side of a comparison has."""
        return self.canary.size(self.desired)

    @property
    def floor(self) -> int:
        """Return how many members must go on serving; rounded before `ceil`, since 0.7 * 10 is 7.000000000000001."""
        return math.ceil(round(self.floor_share * self.desired, 6))


@dataclass(frozen=True, kw_only=True)
class FleetMember:
    """The leader's knowledge of one instance."""

    assignment: Assignment
    report: InstanceReport | None = None
    """None until its node has reported it."""
    is_in_pool: bool = False
    """Whether every gateway has acknowledged a pool that includes it."""
    is_out_of_pool: bool = False
    """Whether every gateway has acknowledged a pool without it, or has finished its last request."""

    @property
    def id(self) -> str:
        """The instance's id."""
        return self.assignment.instance

    @property
    def generation(self) -> Generation:
        """The generation that it was launched with, which never changes."""
        return self.assignment.generation

    @property
    def verdicts(self) -> Verdicts:
        """The node's verdicts; all unknown where the node is silent."""
        return self.report.verdicts if self.report else _SILENT

    @property
    def is_draining(self) -> bool:
        """Whether it is on its way out."""
        return self.assignment.phase is InstancePhase.DRAIN

    @property
    def is_for_trial(self) -> bool:
        """Whether it was launched to try a generation."""
        return self.assignment.purpose in {Purpose.TRIAL, Purpose.CANARY}

    @property
    def is_parked(self) -> bool:
        """Whether it runs outside of every pool, warm."""
        return self.assignment.phase is InstancePhase.WARM

    @property
    def is_dead(self) -> bool:
        """Whether it is known not to be alive."""
        return self.verdicts.alive.is_no

    @property
    def is_serving(self) -> bool:
        """Whether it is known to carry traffic, and to carry it well."""
        return self.is_in_pool and self.verdicts.alive.is_yes and self.verdicts.ready.is_yes

    @property
    def is_silent_in_pool(self) -> bool:
        """Whether it may carry traffic but nobody says how it is: such a member is left alone."""
        return self.is_in_pool and not (self.is_serving or self.is_dead or self.verdicts.ready.is_no)


class Stage(StrEnum):
    """The stage of a rollout."""

    TRIAL = "trial"
    CANARY = "canary"
    REPLACING = "replacing"
    SETTLED = "settled"
    PAUSED = "paused"
    HELD = "held"
    """A freeze, or an unreadable release: the rollout of what the pointers ask for has not started."""
    FROZEN = "frozen"
    """The brake is on."""
    STUCK = "stuck"
    """The first release failed and there is none to go back to."""


@dataclass(frozen=True, kw_only=True)
class Trial:
    """One instance tries the target."""

    generation: Generation
    begun_at: float


@dataclass(frozen=True, kw_only=True)
class Rollout:
    """The record under `rollouts/<service>`: everything that a new leader needs to continue."""

    service: str
    stable: Generation | None = None
    """The fallback: the last generation that the whole fleet ran, or the first that passed its trial."""
    trial: Trial | None = None
    passed: tuple[Generation, ...] = ()
    """Generations that passed their trial since the fleet last settled; their members may run."""
    bad: tuple[BadPart, ...] = ()
    """The latest parts that failed a trial, and why."""
    canary: Canary | None = None
    """The comparison in progress, of a target that has passed its trial."""
    warm: Warm | None = None
    """The generation that blue-green keeps, or last kept, for an instant rollback."""
    stage: Stage = Stage.SETTLED
    stage_at: float = 0.0
    """When the stage last changed."""
    reason: str = ""
    """What it does or waits for, in one sentence; times are absolute, so that it only changes with the state."""
    witness: str = ""
    """The instance that the reason is about; empty if there is none."""


@dataclass(frozen=True, kw_only=True)
class Desired:
    """What the pointers and the operator ask for."""

    service: str
    image: Pointer
    templates: Pointer | None = None
    """None if the service renders no templates."""
    secrets: str = ""
    """The keyed digest of the current secrets."""
    settings: FleetSettings
    hold: Hold | None = None
    """None if the service is not paused."""
    freeze: Freeze | None = None
    """None if no freeze is in effect."""
    unreadable: str = ""
    """Why the image's release cannot be read; empty if it can."""

    @property
    def pointers(self) -> tuple[Pointer, ...]:
        """The pointers that the fleet follows."""
        return (self.image, self.templates) if self.templates else (self.image,)

    @property
    def target(self) -> Generation:
        """The generation that the pointers ask for."""
        templates = self.templates.release if self.templates else None
        return Generation(image=self.image.release, templates=templates, secrets=self.secrets)

    @property
    def moved_at(self) -> float:
        """When a pointer last moved."""
        return max(pointer.moved_at for pointer in self.pointers)


@dataclass(frozen=True, kw_only=True)
class Observed:
    """What the leader observes."""

    rollout: Rollout
    members: tuple[FleetMember, ...] = ()
    samples: tuple[CanarySample, ...] = ()
    """The gateways' metrics of canaries and baselines."""
    is_catalogue_readable: bool = True
    """False if any part of this may be out of date: then nothing is decided."""


# Plans: what one call of the engine decides.


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Steps to apply in order, the record to write before the first of them, and the sentence for the journal.

    The record comes first: a leader that dies in between repeats a step, but never forgets a decision.
    """

    steps: tuple[Step, ...]
    rollout: Rollout
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class Decision:
    """The result of one rule for a fleet."""

    stage: Stage
    reason: str
    rollout: Rollout
    steps: tuple[Step, ...] = ()
    witness: FleetMember | None = None
    """The member that the reason is about, if its last probe has more details."""
