"""Capacity: whom the fleet can do without, and never at the cost of the floor."""

from __future__ import annotations

from collections.abc import Iterable

from handshake.core.step import Drain, Retire
from handshake.fleet.fleet import Fleet
from handshake.fleet.state import Member


def choose_leavers(fleet: Fleet, candidates: Iterable[Member], count: int) -> tuple[Member, ...]:
    """Return up to `count` candidates that may leave: idle ones first, then stale ones, then the oldest.

    One that serves may leave only while the others hold the floor. One that may serve but about which
    nobody says anything may not leave: unknown changes nothing.
    """
    idle, serving = [], []
    for member in sorted(candidates, key=lambda member: member.generation == fleet.aim):
        if member.is_serving:
            serving.append(member)
        elif not member.is_silent_in_pool:
            idle.append(member)
    above_floor = max(0, len(fleet.serving) - fleet.settings.floor)
    return tuple((idle + serving[:above_floor])[: max(0, count)])


def dismiss(member: Member, why: str) -> Drain | Retire:
    """Return the step by which a member leaves: the dead have nothing to finish."""
    if member.is_dead:
        return Retire(instance=member.id, why=why)
    return Drain(instance=member.id, why=why)
