"""Waits for a moved pointer to arrive: until every place acknowledged it, it was reverted, or time ran out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from handshake.catalog.catalog import Catalog
from handshake.core.clock import Clock
from handshake.core.subject import Kind
from handshake.pointers.acks import acks_of, concerned_places, is_served, read_acks
from handshake.pointers.pointer import Pointer
from handshake.pointers.pointers import Pointers

_FIRST_LOOK_SECONDS = 0.01
"""A rollback to a loaded release takes only a few of these intervals; longer waits poll less often."""
_LOOK_SECONDS = 0.1
_SLOWER = 1.5


class ArrivalOutcome(StrEnum):
    """How a wait ended."""

    ARRIVED = "arrived"
    REVERTED = "reverted"
    SUPERSEDED = "superseded"
    REFUSED = "refused"
    STILL_WAITING = "still waiting"


@dataclass(frozen=True, kw_only=True)
class Arrival:
    """The result of one move."""

    pointer: Pointer
    ending: ArrivalOutcome
    seconds: float
    """From the move to its end."""
    why: str


class RolloutProgress(Protocol):
    """The state of the fleets' rollouts, in sentences."""

    def why_bad(self, moved: Pointer) -> str:
        """Return why the trial of the release that a pointer names failed; empty if none did."""
        ...

    def why_it_waits(self, service: str) -> str:
        """Return what a service's rollout waits for; empty if unknown."""
        ...


class Arrivals:
    """Watches moved pointers. Needs only the catalogue: it works while the control plane is down."""

    def __init__(
        self,
        catalog: Catalog,
        pointers: Pointers,
        clock: Clock,
        nodes: tuple[str, ...],
        *,
        rollouts: RolloutProgress,
        has_fastly: bool = False,
    ) -> None:
        self._catalog = catalog
        self._pointers = pointers
        self._clock = clock
        self._nodes = nodes
        self._rollouts = rollouts
        self._has_fastly = has_fastly

    def wait(self, moved: Pointer, deadline_seconds: float, tell: Callable[[str], None]) -> Arrival:
        """Return the result of a move; `tell` is called with the reason for waiting whenever it changes."""
        begun = self._clock.monotonic()
        said, pause = "", _FIRST_LOOK_SECONDS
        while True:
            ending, why = self._look(moved)
            seconds = self._clock.monotonic() - begun
            if ending is not ArrivalOutcome.STILL_WAITING or seconds > deadline_seconds:
                return Arrival(pointer=moved, ending=ending, seconds=seconds, why=why)
            if why != said:
                tell(why)
                said = why
            self._clock.sleep(pause)
            pause = min(pause * _SLOWER, _LOOK_SECONDS)

    def _look(self, moved: Pointer) -> tuple[ArrivalOutcome, str]:
        today = self._pointers.get(moved.subject)
        if today is not None and today.revision > moved.revision:
            ending = ArrivalOutcome.REVERTED if today.release == moved.stable else ArrivalOutcome.SUPERSEDED
            return ending, today.reason
        subject = str(moved.subject)
        acks = acks_of(subject, read_acks(self._catalog))
        places = concerned_places(subject, self._nodes, has_fastly=self._has_fastly)
        for ack in acks:
            if ack.refusal and ack.refusal.revision == moved.revision and moved.stable is None:
                return ArrivalOutcome.REFUSED, f"{ack.place} cannot serve it: {ack.refusal.reason}"
        if condemned := self._condemned(moved):
            return ArrivalOutcome.REFUSED, condemned
        if is_served(moved.revision, acks, places) and _is_rolled_out(today):
            return ArrivalOutcome.ARRIVED, "; ".join(f"{ack.place}: {ack.proof}" for ack in acks)
        silent = [str(place) for place in places if not is_served(moved.revision, acks, (place,))]
        return ArrivalOutcome.STILL_WAITING, self._explain(moved, silent)

    def _condemned(self, moved: Pointer) -> str:
        """Return why the trial of a first release failed, which cannot be reverted; empty if it did not."""
        if moved.stable is not None:
            return ""
        return self._rollouts.why_bad(moved)

    def _explain(self, moved: Pointer, silent: list[str]) -> str:
        waits = f"waits for {', '.join(silent) or 'the leader'}"
        if moved.subject.kind is not Kind.IMAGE:
            return waits
        return self._rollouts.why_it_waits(moved.subject.name) or waits


def _is_rolled_out(today: Pointer | None) -> bool:
    """Whether a fleet's rollout has ended; sites and policies arrive with their acks and need no leader."""
    if today is None or today.subject.kind in {Kind.SITE, Kind.POLICY}:
        return True
    return today.stable == today.release
