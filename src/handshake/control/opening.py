"""The first start: everything that the campaign can publish and that has no pointer yet is published and promoted."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from handshake.control.arrival import Arrival, Arrivals, Ending
from handshake.control.pointers import Pointers
from handshake.control.publisher import Publisher, Telling
from handshake.core.errors import UnavailableError
from handshake.core.pointer import Move, Pointer
from handshake.core.release import Kind, Subject

_REASON = "first start"
_UNSHAKEN = f"{_REASON}; forced: not shaken, so that a campaign is up soon"
"""Why an image is live that has not been through the contract check: `status` names it until it has."""


@dataclass(frozen=True, kw_only=True)
class Opening:
    """Opens a campaign."""

    name: str
    publisher: Publisher
    pointers: Pointers
    arrivals: Arrivals
    who: str
    deadline_seconds: float = 120.0

    def open(self, tell: Callable[[Subject], Telling], waiting: Callable[[str], None]) -> tuple[Arrival, ...]:
        """Publish and promote what has no pointer, the policy first; return once every place serves everything."""
        known = self.pointers.all()
        policy = Subject(kind=Kind.POLICY, name=self.name)
        subjects = (policy, *self.publisher.subjects())
        moved = [self._promote(subject, tell(subject)) for subject in subjects if subject not in known]
        arrived = tuple(self._await(pointer, waiting) for pointer in (*known.values(), *moved))
        _require_all(arrived)
        return arrived[len(known) :]

    def _await(self, pointer: Pointer, waiting: Callable[[str], None]) -> Arrival:
        return self.arrivals.wait(pointer, self.deadline_seconds, waiting)

    def _promote(self, subject: Subject, tell: Telling) -> Pointer:
        release = self.publisher.publish(subject, tell)
        reason = _UNSHAKEN if subject.kind is Kind.IMAGE else _REASON
        wish = Move(subject=subject, release=release, from_revision=0, moved_by=self.who, reason=reason)
        return self.pointers.move([wish])[0]


def _require_all(arrivals: tuple[Arrival, ...]) -> None:
    late = [arrival for arrival in arrivals if arrival.ending is not Ending.ARRIVED]
    if late:
        details = "\n".join(f"{each.pointer.subject}: {each.ending}: {each.why}" for each in late)
        raise UnavailableError(
            f"{len(late)} of {len(arrivals)} did not arrive",
            hint="`handshake status` says what is waited for; `handshake logs NAME` what it said.",
            details=details,
        )
