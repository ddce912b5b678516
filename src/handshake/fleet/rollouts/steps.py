"""Carries out the engine's steps: every plan is one fenced transaction, then the pointers move."""

from __future__ import annotations

import base64
import secrets
from collections.abc import Sequence
from dataclasses import replace

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import CatalogEntry, Delete, HeldLock, Operation, Put, Write
from handshake.catalog.journal import journal_write
from handshake.catalog.keys import assignment_key, rollout_key
from handshake.core.clock import Clock
from handshake.core.outcome import Outcome
from handshake.fleet.engine.placement import Placement
from handshake.fleet.engine.state import Plan, Rollout
from handshake.fleet.engine.steps import Drain, Launch, Open, Park, Retire, Revert, Settle, Step
from handshake.fleet.instance import Assignment, InstancePhase
from handshake.pointers.pointer import Pointer
from handshake.pointers.pointers import Pointers

LEADER_NAME = "leader"
_MOST_CHANGES = 60
"""A transaction holds 64 operations; the rest is planned again in the next cycle."""


class StepRunner:
    """Turns a plan into catalogue writes."""

    def __init__(self, catalog: Catalog, pointers: Pointers, clock: Clock) -> None:
        self._catalog = catalog
        self._pointers = pointers
        self._clock = clock

    def carry_out(
        self,
        plan: Plan,
        *,
        before: Rollout,
        assignments: Sequence[CatalogEntry],
        placement: Placement,
        fence: HeldLock,
    ) -> Outcome:
        """Write assignments and record in one transaction, then move pointers; nothing to do writes nothing."""
        changes = self._assignment_changes(plan.steps, assignments, placement)
        record = [] if plan.rollout == before else [_record(plan.rollout)]
        if changes or record:
            journal = journal_write(LEADER_NAME, plan.outcome.sentence, self._clock.now())
            self._catalog.transact([fence, *changes[:_MOST_CHANGES], *record, journal])
        for step in plan.steps:
            self._move_pointer(step, fence)
        return plan.outcome

    def send_back(self, pointer: Pointer, why: str, *, fence: HeldLock) -> Outcome:
        """Move a pointer that names no release back to what was stable before."""
        if pointer.stable is None:
            raise ValueError(f"{pointer.subject} has no release to revert to")
        moved = self._pointers.move_back(pointer, to=pointer.stable, who=LEADER_NAME, why=why, also=[fence])
        return Outcome(sentence=f"{pointer.subject} is reverted: {why}", changed=moved is not None)

    def _assignment_changes(
        self, steps: Sequence[Step], entries: Sequence[CatalogEntry], placement: Placement
    ) -> list[Operation]:
        known = {
            assignment.instance: (assignment, entry.index) for assignment, entry in map(_decode, entries)
        }
        # Each is taken out once it is used: two rules may send one instance away, and a key is written once.
        changes: list[Operation] = []
        for step in steps:
            match step:
                case Launch():
                    # Where no node answers, the launch is planned again in the next cycle.
                    if node := placement.choose(step.generation):
                        changes.append(self._launch(step, node))
                case Drain(instance=instance) if instance in known:
                    changes.append(self._turn(*known.pop(instance), InstancePhase.DRAIN))
                case Park(instance=instance) if instance in known:
                    changes.append(self._turn(*known.pop(instance), InstancePhase.WARM))
                case Open(instance=instance) if instance in known:
                    changes.append(self._turn(*known.pop(instance), InstancePhase.RUN))
                case Retire(instance=instance) if instance in known:
                    changes.append(Delete(key=assignment_key(known.pop(instance)[0].node, instance)))
                case _:
                    pass
        return changes

    def _launch(self, step: Launch, node: str) -> Put:
        now = self._clock.now()
        assignment = Assignment(
            instance=new_instance_id(step.service),
            node=node,
            service=step.service,
            generation=step.generation,
            phase=step.phase,
            purpose=step.purpose,
            assigned_at=now,
            phase_at=now,
        )
        return Put(key=assignment_key(node, assignment.instance), value=encode(assignment), if_index=0)

    def _turn(self, assignment: Assignment, index: int, phase: InstancePhase) -> Put:
        turned = replace(assignment, phase=phase, phase_at=self._clock.now())
        key = assignment_key(assignment.node, assignment.instance)
        return Put(key=key, value=encode(turned), if_index=index)

    def _move_pointer(self, step: Step, fence: HeldLock) -> None:
        if not isinstance(step, Revert | Settle):
            return
        pointer = self._pointers.get(step.subject)
        if pointer is None:
            return
        if isinstance(step, Settle) and pointer.release == step.release:
            self._pointers.settle(pointer, also=[fence])
        elif isinstance(step, Revert) and pointer.release == step.bad:
            self._pointers.move_back(pointer, to=step.to, who=LEADER_NAME, why=step.why, also=[fence])


def has_way_back(pointer: Pointer) -> bool:
    """Return whether a pointer has another release to go back to."""
    return pointer.stable is not None and pointer.stable != pointer.release


def new_instance_id(service: str) -> str:
    """Return `<service>-` and 8 digits that no other instance has."""
    return f"{service}-{base64.b32encode(secrets.token_bytes(5)).decode().lower()}"


def _record(rollout: Rollout) -> Write:
    return Write(key=rollout_key(rollout.service), value=encode(rollout))


def _decode(entry: CatalogEntry) -> tuple[Assignment, CatalogEntry]:
    return decode(Assignment, entry.value), entry
