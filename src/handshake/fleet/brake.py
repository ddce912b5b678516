"""The brake: when most of a pool falls ill the same way at once, the cause is not in the instances."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterable

from handshake.fleet.fleet import Fleet
from handshake.fleet.state import Member

_SMALLEST_CORRELATION = 2


def find_correlated(fleet: Fleet) -> tuple[Member, ...]:
    """Return the members that fell ill together, if they are more than half of the pool.

    Ill is alive but not ready, with the same status. The trial is not of the pool. A pointer that was moved
    after they fell ill is somebody's answer to it and releases the brake.
    """
    pool = [member for member in fleet.staff if member.is_in_pool]
    by_status: dict[int, list[Member]] = defaultdict(list)
    for member in pool:
        if member.verdicts.ready.is_no and not member.is_dead:
            by_status[member.verdicts.ready.evidence.status].append(member)
    together = max((_fell_together(ill, fleet) for ill in by_status.values()), key=len, default=())
    if len(together) < _SMALLEST_CORRELATION or 2 * len(together) <= len(pool):
        return ()
    return together if _fell_ill_at(together[-1]) >= fleet.desired.moved_at else ()


def _fell_together(ill: Iterable[Member], fleet: Fleet) -> tuple[Member, ...]:
    """Return the largest group whose members fell ill within one interval, the latest last."""
    by_time = sorted(ill, key=_fell_ill_at)
    moments = [_fell_ill_at(member) for member in by_time]
    ends = (bisect_right(moments, moment + fleet.settings.brake_seconds) for moment in moments)
    start, end = max(enumerate(ends), key=lambda span: span[1] - span[0])
    return tuple(by_time[start:end])


def _fell_ill_at(member: Member) -> float:
    return member.verdicts.ready.since
