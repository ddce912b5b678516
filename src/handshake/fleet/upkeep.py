"""Upkeep: what is done in every stage, paused and frozen ones too."""

from __future__ import annotations

from handshake.core.instance import Purpose
from handshake.core.step import Drain, Launch, Retire, Step
from handshake.fleet.blame import revert_bad
from handshake.fleet.capacity import dismiss
from handshake.fleet.fleet import Fleet
from handshake.fleet.state import Member


def keep_up(fleet: Fleet) -> tuple[Step, ...]:
    """Finish what was decided before, and bring the fleet to its size."""
    return (
        *revert_bad(fleet.desired, fleet.rollout),
        *_retire_drained(fleet),
        *_retire_crashed(fleet),
        *_dismiss_strays(fleet),
        *_dismiss_unwanted(fleet),
        *_dismiss_overdue(fleet),
        *_launch_missing(fleet),
    )


def keep_alive(fleet: Fleet) -> tuple[Step, ...]:
    """Replace what crashed, and let go of what has drained: all that can be done about what nobody can read."""
    return (*_retire_drained(fleet), *_retire_crashed(fleet), *_launch_missing(fleet))


def _retire_drained(fleet: Fleet) -> tuple[Retire, ...]:
    return tuple(
        Retire(instance=member.id, why=why) for member in fleet.draining if (why := _drained(fleet, member))
    )


def _drained(fleet: Fleet, member: Member) -> str:
    """Return why a draining member may be stopped, or nothing."""
    if member.is_dead:
        return "not alive"
    if member.is_out_of_pool:
        return "drained"
    if member.assignment.phase_at + fleet.settings.drain_seconds <= fleet.now:
        return f"had {fleet.settings.drain_seconds:g} s to drain"
    return ""


def _retire_crashed(fleet: Fleet) -> tuple[Retire, ...]:
    return tuple(Retire(instance=member.id, why="not alive") for member in fleet.crashed)


def _dismiss_strays(fleet: Fleet) -> tuple[Drain | Retire, ...]:
    return tuple(dismiss(member, "its trial is over") for member in fleet.strays)


def _dismiss_unwanted(fleet: Fleet) -> tuple[Drain | Retire, ...]:
    return tuple(dismiss(member, "no longer kept warm") for member in fleet.unwanted)


def _dismiss_overdue(fleet: Fleet) -> tuple[Drain | Retire, ...]:
    """Give up on members that never got into the pool: they are launched anew, once per deadline."""
    deadline = fleet.settings.deadline_seconds
    leaving = {member.id for member in fleet.unwanted}
    return tuple(
        dismiss(member, f"not ready within {deadline:g} s")
        for member in (*fleet.staff, *fleet.parked)
        if not member.is_in_pool
        and member.id not in leaving
        and member.verdicts.ready.is_no
        and _lacking_since(member) + deadline <= fleet.now
    )


def _lacking_since(member: Member) -> float:
    """Return when it began not to be ready; a node whose clock is behind the leader's cannot make that earlier."""
    return max(member.verdicts.ready.since, member.assignment.assigned_at)


def _launch_missing(fleet: Fleet) -> tuple[Launch, ...]:
    """Replace what crashed or never was, with the stable generation until the target has passed its trial."""
    if fleet.replacement is None:
        return ()
    launch = Launch(service=fleet.desired.service, generation=fleet.replacement, purpose=Purpose.STEADY)
    return (launch,) * fleet.missing
