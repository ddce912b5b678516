"""A small world: instances that boot, crash and fail, nodes that fall silent, gateways that lag, a leader that dies."""

from __future__ import annotations

from dataclasses import dataclass, field, replace
from enum import Enum

from handshake.catalog.codec import decode, encode
from handshake.core.digest import Digest, digest_bytes
from handshake.core.subject import parse_subject
from handshake.fleet.engine.canary_analysis import CanarySample, bin_latency
from handshake.fleet.engine.plan import plan
from handshake.fleet.engine.state import Desired, FleetMember, FleetSettings, Observed, Plan, Rollout
from handshake.fleet.engine.steps import Drain, Launch, Open, Park, Retire, Revert, Settle, Step
from handshake.fleet.engine.strategy import CanarySettings, Strategy
from handshake.fleet.instance import (
    Assignment,
    Evidence,
    Generation,
    InstancePhase,
    InstanceReport,
    Verdicts,
    VerdictState,
)
from handshake.fleet.instances.verdicts import Sighting, Thresholds, Watched, watch
from handshake.pointers.pointer import Move, Pointer, move_pointer, settle_pointer

TICK_SECONDS = 5.0
REQUESTS_PER_TICK = 100
NODES = ("n1", "n2")
GATEWAYS = ("g1", "g2")


class Image(Enum):
    """The images that operators promote, named after how their instances behave."""

    GOOD = "good"
    BETTER = "better"
    BOOTS_SLOWLY = "boots slowly"
    DIES_AT_START = "dies at start"
    ANSWERS_500 = "answers 500"
    NEVER_ANSWERS = "never answers"
    FAILS_REQUESTS = "fails requests"
    """Its health check is fine, and every tenth request fails."""
    IS_SLOW = "is slow"
    """Its health check is fine, and each request takes twice as long."""

    @property
    def digest(self) -> Digest:
        """The image's release."""
        return digest_bytes(self.value.encode())

    @property
    def boot_seconds(self) -> float:
        """How long it takes until the first answer."""
        return {Image.BOOTS_SLOWLY: 35.0, Image.NEVER_ANSWERS: 1e9}.get(self, 7.0)


class Look(Enum):
    """The template releases."""

    PLAIN = "plain"
    FANCY = "fancy"
    DOES_NOT_LOAD = "does not load"

    @property
    def digest(self) -> Digest:
        """The templates' release."""
        return digest_bytes(self.value.encode())


SICK_IMAGES = {Image.DIES_AT_START, Image.ANSWERS_500, Image.NEVER_ANSWERS}
SICK_RELEASES = {image.digest for image in SICK_IMAGES} | {Look.DOES_NOT_LOAD.digest}


def is_sick(generation: Generation) -> bool:
    """Tell whether no instance of a generation can ever be healthy."""
    return bool({generation.image, generation.templates} & SICK_RELEASES)


@dataclass
class Box:
    """One simulated instance, and what its node's agent remembers of it."""

    assignment: Assignment
    watched: Watched = field(default_factory=Watched)
    has_crashed: bool = False
    is_registered: bool = False
    requests: int = 0

    @property
    def image(self) -> Image:
        """The image that it runs."""
        return next(image for image in Image if image.digest == self.assignment.generation.image)


def first_pointer(subject: str, release: Digest) -> Pointer:
    """Return a pointer at its first revision."""
    move = Move(subject=parse_subject(subject), release=release, from_revision=0, moved_by="ada", reason="")
    return move_pointer(None, move, 0.0)


@dataclass
class World:
    """One service, its two nodes, its two gateways, and a leader that remembers nothing but the record."""

    desired: Desired
    now: float = 0.0
    rollout: Rollout = field(default_factory=lambda: Rollout(service="hamm"))
    boxes: dict[str, Box] = field(default_factory=dict)
    pools: dict[str, frozenset[str]] = field(
        default_factory=lambda: {gateway: frozenset() for gateway in GATEWAYS}
    )
    silent_nodes: set[str] = field(default_factory=set)
    lagging_gateways: set[str] = field(default_factory=set)
    is_database_down: bool = False
    is_catalogue_readable: bool = True
    launched: int = 0

    # What operators do

    def promote(self, release: Digest, *, kind: str) -> None:
        """Move a pointer."""
        pointer = self.desired.image if kind == "image" else self.desired.templates
        assert pointer
        move = Move(
            subject=pointer.subject,
            release=release,
            from_revision=pointer.revision,
            moved_by="ada",
            reason="",
        )
        self._write(move_pointer(pointer, move, self.now))

    def resize(self, count: int) -> None:
        """Ask for another number of instances."""
        self.desired = replace(self.desired, settings=replace(self.desired.settings, desired=count))

    # What time does

    def tick(self) -> None:
        """Let five seconds pass: nodes probe and register, gateways take up their pools."""
        self.now += TICK_SECONDS
        for box in self.boxes.values():
            if box.assignment.node not in self.silent_nodes:
                self._probe(box)
        open_ids = frozenset(name for name, box in self.boxes.items() if box.is_registered)
        for gateway in GATEWAYS:
            if gateway not in self.lagging_gateways:
                self.pools[gateway] = open_ids
        for name in frozenset.intersection(*self.pools.values()) & self.boxes.keys():
            self.boxes[name].requests += REQUESTS_PER_TICK

    def _probe(self, box: Box) -> None:
        box.watched = watch(box.watched, self._look_at(box), Thresholds(silent_seconds=15.0))
        may_serve = box.assignment.phase is InstancePhase.RUN and not box.watched.verdicts.alive.is_no
        box.is_registered = may_serve and (box.is_registered or box.watched.verdicts.ready.is_yes)

    def _look_at(self, box: Box) -> Sighting:
        has_booted = self.now - box.assignment.assigned_at >= box.image.boot_seconds
        has_died = box.has_crashed or (has_booted and box.image is Image.DIES_AT_START)
        is_ill = self.is_database_down or box.image is Image.ANSWERS_500
        status = 0 if has_died or not has_booted else 500 if is_ill else 200
        does_load = box.assignment.generation.templates != Look.DOES_NOT_LOAD.digest
        is_target = box.assignment.generation == self.desired.target
        return Sighting(
            at=self.now,
            exited="exit status 1" if has_died else "",
            plain=Evidence(status=status, at=self.now),
            templates=Evidence(status=200 if does_load else 503, at=self.now) if status else None,
            is_target=VerdictState.YES if is_target else VerdictState.NO,
        )

    # What the leader does

    def observe(self) -> Observed:
        """Return what the leader sees; the record has been through the catalogue's codec."""
        return Observed(
            rollout=decode(Rollout, encode(self.rollout)),
            members=tuple(self._see(box) for box in self.boxes.values()),
            samples=tuple(self._sample(box) for box in self.boxes.values()),
            is_catalogue_readable=self.is_catalogue_readable,
        )

    def _sample(self, box: Box) -> CanarySample:
        """Return what the gateways saw: latencies from 10 to 30 ms, twice that of a slow image."""
        errors = box.requests // 10 if box.image is Image.FAILS_REQUESTS else 0
        factor = 2 if box.image is Image.IS_SLOW else 1
        each = (box.requests - errors) // 5
        latencies = tuple((bin_latency(factor * milliseconds), each) for milliseconds in (10, 15, 20, 25, 30))
        return CanarySample(
            instance=box.assignment.instance, requests=box.requests, errors=errors, latencies=latencies
        )

    def _see(self, box: Box) -> FleetMember:
        assignment = box.assignment
        is_silent = assignment.node in self.silent_nodes
        report = InstanceReport(
            instance=assignment.instance,
            node=assignment.node,
            service=assignment.service,
            generation=assignment.generation,
            host="127.0.0.1",
            port=20000,
            started_at=assignment.assigned_at,
            verdicts=Verdicts() if is_silent else box.watched.verdicts,
        )
        return FleetMember(
            assignment=assignment,
            report=report,
            is_in_pool=all(assignment.instance in pool for pool in self.pools.values()),
            is_out_of_pool=all(assignment.instance not in pool for pool in self.pools.values()),
        )

    def plan(self) -> Plan:
        """Return the engine's plan for this moment."""
        return plan(self.desired, self.observe(), self.now)

    def carry_out(self, decided: Plan, *, only: int | None = None) -> None:
        """Keep the record, then apply the steps; a leader that dies midway applies `only` the first few."""
        self.rollout = decided.rollout
        for step in decided.steps[:only]:
            self._apply(step)

    def _apply(self, step: Step) -> None:
        match step:
            case Launch():
                self._launch(step)
            case Drain(instance=name):
                self._turn(name, InstancePhase.DRAIN)
            case Park(instance=name):
                self._turn(name, InstancePhase.WARM)
            case Open(instance=name):
                self._turn(name, InstancePhase.RUN)
            case Retire(instance=name):
                del self.boxes[name]
            case Revert(subject=subject, to=to):
                self.promote(to, kind=subject.kind)
            case Settle(subject=subject):
                pointer = next(p for p in self.desired.pointers if p.subject == subject)
                self._write(settle_pointer(pointer))

    def _turn(self, name: str, phase: InstancePhase) -> None:
        box = self.boxes[name]
        box.assignment = replace(box.assignment, phase=phase, phase_at=self.now)

    def _launch(self, step: Launch) -> None:
        self.launched += 1
        name = f"hamm-{self.launched}"
        self.boxes[name] = Box(
            Assignment(
                instance=name,
                node=NODES[self.launched % 2],
                service=step.service,
                generation=step.generation,
                phase=step.phase,
                purpose=step.purpose,
                assigned_at=self.now,
                phase_at=self.now,
            )
        )

    def _write(self, pointer: Pointer) -> None:
        if pointer.subject == self.desired.image.subject:
            self.desired = replace(self.desired, image=pointer)
        else:
            self.desired = replace(self.desired, templates=pointer)


def build_world(*, floor_share: float = 1.0, strategy: Strategy = Strategy.ROLLING) -> World:
    """Return a world before its first release, where deadlines are short."""
    settings = FleetSettings(
        desired=2,
        soak_seconds=10.0,
        deadline_seconds=60.0,
        drain_seconds=20.0,
        floor_share=floor_share,
        strategy=strategy,
        keep_warm_seconds=100.0,
        canary=CanarySettings(share=0.4, seconds=15.0),
    )
    return World(
        Desired(
            service="hamm",
            image=first_pointer("image/hamm", Image.GOOD.digest),
            templates=first_pointer("templates/hamm", Look.PLAIN.digest),
            settings=settings,
        )
    )
