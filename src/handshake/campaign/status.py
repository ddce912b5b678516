"""The state of a campaign: every pointer, its revision, and the places that have or have not acknowledged it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode
from handshake.catalog.keys import ASSIGNMENTS, INSTANCES, LEADER, ROLLOUTS
from handshake.core.clock import Clock
from handshake.core.digest import Digest
from handshake.fleet.engine.state import Rollout, Stage
from handshake.fleet.instance import Assignment, Evidence, InstancePhase, InstanceReport, VerdictState
from handshake.fleet.nodes import Node, Nodes, explain_node
from handshake.pointers.acks import FASTLY, Ack, Place, acks_of, concerned_places, read_acks
from handshake.pointers.pointer import Pointer
from handshake.pointers.pointers import Pointers


class PlaceState(StrEnum):
    """The state of a subject's current revision at a place."""

    SERVES = "serves"
    WAITS = "waits"
    REFUSES = "refuses"


@dataclass(frozen=True, kw_only=True)
class PlaceCell:
    """The state of one subject at one place."""

    place: str
    state: PlaceState
    revision: int
    """The revision that it serves; 0 if none."""
    said: str
    """The proof of an ack, or the reason for a refusal."""


@dataclass(frozen=True, kw_only=True)
class SubjectRow:
    """One pointer."""

    subject: str
    release: Digest
    revision: int
    is_stable: bool
    moved_by: str
    reason: str
    moved_at: float
    places: tuple[PlaceCell, ...]


@dataclass(frozen=True, kw_only=True)
class InstanceRow:
    """One instance, as assigned and as reported."""

    instance: str
    node: str
    generation: str
    phase: str
    purpose: str
    address: str
    alive: VerdictState
    ready: VerdictState
    fresh: VerdictState
    last_probe: Evidence
    log_tail: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class FleetRow:
    """One service's fleet and what it waits for."""

    service: str
    stage: str
    sentence: str
    instances: tuple[InstanceRow, ...]
    since: float = 0.0
    """When the stage last changed; UTC, seconds since the epoch."""
    witness: str = ""
    """The instance that the sentence is about: its last probe has the details."""

    @property
    def progress(self) -> str:
        """How many of the serving instances are fresh."""
        serving = [instance for instance in self.instances if instance.phase == InstancePhase.RUN]
        fresh = [instance for instance in serving if instance.fresh is VerdictState.YES]
        return f"{len(fresh)} of {len(serving)} fresh"


@dataclass(frozen=True, kw_only=True)
class StatusReport:
    """Everything that `status` shows."""

    campaign: str
    at: float
    leader: str
    """The leader; empty if there is none."""
    is_settled: bool
    """Whether every place serves every pointer, and every fleet runs what it should."""
    subjects: tuple[SubjectRow, ...]
    fleets: tuple[FleetRow, ...]
    notes: tuple[str, ...]
    """Warnings for operators: silent nodes, clock offsets, services whose base is the host."""
    nodes: tuple[Node, ...] = ()
    """Every node of the policy."""


def read_status(
    catalog: Catalog,
    clock: Clock,
    *,
    campaign: str,
    nodes: Nodes,
    notes: tuple[str, ...] = (),
    has_fastly: bool = False,
) -> StatusReport:
    """Return the current report."""
    acks = read_acks(catalog)
    pointers = Pointers(catalog, clock).all()
    subjects = tuple(
        describe_subject(pointer, acks, nodes.named, has_fastly=has_fastly)
        for _, pointer in sorted(pointers.items())
    )
    leader = catalog.get(LEADER)
    fleets = read_fleets(catalog)
    return StatusReport(
        campaign=campaign,
        at=clock.now(),
        leader=leader.value.decode() if leader and leader.session else "",
        is_settled=_is_settled(subjects, fleets),
        subjects=subjects,
        fleets=fleets,
        notes=(*filter(None, map(explain_node, nodes.all)), *_name_unfit(acks), *notes),
        nodes=nodes.all,
    )


def _name_unfit(acks: Iterable[Ack]) -> Iterator[str]:
    """Yield what does not fit at Fastly, as its acks of lists report it."""
    for ack in acks:
        if ack.place == str(FASTLY) and "did not fit" in ack.proof:
            yield f"Fastly, {ack.subject}: {ack.proof}"


def _is_settled(subjects: Iterable[SubjectRow], fleets: Iterable[FleetRow]) -> bool:
    return all(
        row.is_stable and all(cell.state is PlaceState.SERVES for cell in row.places) for row in subjects
    ) and all(fleet.stage == Stage.SETTLED for fleet in fleets)


def describe_subject(
    pointer: Pointer, acks: Iterable[Ack], nodes: tuple[str, ...], *, has_fastly: bool = False
) -> SubjectRow:
    """Return a pointer's row: one cell for every place in the configuration."""
    name = str(pointer.subject)
    said = {ack.place: ack for ack in acks_of(name, acks)}
    places = concerned_places(name, nodes, has_fastly=has_fastly)
    return SubjectRow(
        subject=name,
        release=pointer.release,
        revision=pointer.revision,
        is_stable=pointer.stable == pointer.release,
        moved_by=pointer.moved_by,
        reason=pointer.reason,
        moved_at=pointer.moved_at,
        places=tuple(_describe_place(place, pointer.revision, said.get(str(place))) for place in places),
    )


def _describe_place(place: Place, revision: int, ack: Ack | None) -> PlaceCell:
    name = str(place)
    if ack is None:
        return PlaceCell(place=name, state=PlaceState.WAITS, revision=0, said="nothing yet")
    if ack.refusal and ack.refusal.revision >= revision:
        return PlaceCell(place=name, state=PlaceState.REFUSES, revision=ack.revision, said=ack.refusal.reason)
    state = PlaceState.SERVES if ack.revision >= revision else PlaceState.WAITS
    return PlaceCell(place=name, state=state, revision=ack.revision, said=ack.proof)


def read_fleets(catalog: Catalog) -> tuple[FleetRow, ...]:
    """Return every service's fleet."""
    rollouts = [decode(Rollout, entry.value) for entry in catalog.read(ROLLOUTS).entries]
    assignments = [decode(Assignment, entry.value) for entry in catalog.read(ASSIGNMENTS).entries]
    reports = {
        report.instance: report
        for report in (decode(InstanceReport, entry.value) for entry in catalog.read(INSTANCES).entries)
    }
    return tuple(
        FleetRow(
            service=rollout.service,
            stage=rollout.stage,
            sentence=rollout.reason,
            since=rollout.stage_at,
            witness=rollout.witness,
            instances=tuple(
                _describe_instance(assignment, reports.get(assignment.instance))
                for assignment in assignments
                if assignment.service == rollout.service
            ),
        )
        for rollout in rollouts
    )


def _describe_instance(assignment: Assignment, report: InstanceReport | None) -> InstanceRow:
    verdicts = report.verdicts if report else None
    return InstanceRow(
        instance=assignment.instance,
        node=assignment.node,
        generation=str(assignment.generation),
        phase=assignment.phase,
        purpose=assignment.purpose,
        address=f"{report.host}:{report.port}" if report else "",
        alive=verdicts.alive.finding if verdicts else VerdictState.UNKNOWN,
        ready=verdicts.ready.finding if verdicts else VerdictState.UNKNOWN,
        fresh=verdicts.fresh.finding if verdicts else VerdictState.UNKNOWN,
        last_probe=verdicts.ready.evidence if verdicts else Evidence(),
        log_tail=report.log_tail if report else (),
    )
