"""Blue-green: a whole new fleet warms up beside the old one and takes over in one step; the old one stays warm."""

from __future__ import annotations

from dataclasses import replace

from handshake.fleet.engine.describe import print_lack
from handshake.fleet.engine.fleet import Fleet, dismiss
from handshake.fleet.engine.rolling import roll
from handshake.fleet.engine.state import Decision, FleetMember, Rollout, Stage
from handshake.fleet.engine.steps import Drain, Launch, Open, Park, Retire
from handshake.fleet.engine.strategy import Warm
from handshake.fleet.instance import Generation, InstancePhase, Purpose


def swap(fleet: Fleet, aim: Generation) -> Decision:
    """Return the next act towards a whole fleet of the generation aimed at: warm up, open all, then park the old.

    The pools change twice: all newcomers come in, and when every gateway has acknowledged them, all old
    members go. Where nothing is stale, only the size may be wrong, and that is rolling's work.
    """
    if not fleet.stale:
        return roll(fleet, aim)
    leaving = _leave(fleet, aim) or _give_up_surplus(fleet, aim)
    return Decision(
        stage=Stage.REPLACING,
        reason=_explain(fleet, aim),
        rollout=_keep(fleet, aim, is_parking=any(isinstance(step, Park) for step in leaving)),
        steps=(*_warm_up(fleet, aim), *_open(fleet, aim), *leaving),
        witness=_find_slowest(fleet),
    )


def _warm_up(fleet: Fleet, aim: Generation) -> tuple[Launch, ...]:
    launch = Launch(
        service=fleet.desired.service, generation=aim, purpose=Purpose.STEADY, phase=InstancePhase.WARM
    )
    return (launch,) * min(_count_missing(fleet), fleet.room)


def _open(fleet: Fleet, aim: Generation) -> tuple[Open, ...]:
    """Let the newcomers in together, once they are as many as it takes and each has soaked."""
    if _count_missing(fleet) > 0 or _find_cold(fleet):
        return ()
    return tuple(Open(instance=member.id, why=f"{aim} takes over") for member in fleet.newcomers)


def _leave(fleet: Fleet, aim: Generation) -> tuple[Park | Drain | Retire, ...]:
    """Take all that is stale out of the pools, once a whole fleet of newcomers is proven in them."""
    if len(fleet.proven) < fleet.settings.desired:
        return ()
    return tuple(_send_off(fleet, member, aim) for member in fleet.stale if not member.is_silent_in_pool)


def _give_up_surplus(fleet: Fleet, aim: Generation) -> tuple[Drain | Retire, ...]:
    """Make room for newcomers by what serves beyond a whole fleet: first what an overtaken swap had let in."""
    lacking = _count_missing(fleet) - fleet.room
    spare = sum(member.is_serving for member in fleet.stale) - fleet.settings.desired
    willing = [member for member in fleet.stale if not member.is_silent_in_pool]
    willing.sort(key=lambda member: member.generation == fleet.rollout.stable)
    return tuple(dismiss(member, f"overtaken by {aim}") for member in willing[: max(0, min(lacking, spare))])


def _send_off(fleet: Fleet, member: FleetMember, aim: Generation) -> Park | Drain | Retire:
    """Keep warm what the whole fleet ran; what never took over has no way back to keep open."""
    is_worth_keeping = member.generation == fleet.rollout.stable != aim and fleet.settings.keep_warm_seconds
    if is_worth_keeping and not member.is_dead:
        return Park(instance=member.id, why=f"replaced by {aim}")
    return dismiss(member, f"replaced by {aim}")


def _keep(fleet: Fleet, aim: Generation, *, is_parking: bool) -> Rollout:
    """Return the record: a generation that came back warm needs no trial, however long its way back takes."""
    rollout = replace(fleet.rollout, trial=None)
    if aim != rollout.stable and aim not in rollout.passed:
        rollout = replace(rollout, passed=(*rollout.passed, aim))
    if is_parking and rollout.stable:
        until = fleet.now + fleet.settings.keep_warm_seconds
        rollout = replace(rollout, warm=Warm(generation=rollout.stable, until=until))
    return rollout


def _count_missing(fleet: Fleet) -> int:
    return fleet.settings.desired - len(fleet.fresh) - len(fleet.newcomers)


def _find_cold(fleet: Fleet) -> FleetMember | None:
    """Return a newcomer that has not soaked yet."""
    return next((member for member in fleet.newcomers if not fleet.is_soaked(member)), None)


def _find_slowest(fleet: Fleet) -> FleetMember | None:
    unproven = next((member for member in fleet.fresh if not fleet.is_proven(member)), None)
    return _find_cold(fleet) or unproven


def _explain(fleet: Fleet, aim: Generation) -> str:
    """Return how far it is, and the one thing that it waits for."""
    warm = sum(fleet.is_soaked(member) for member in fleet.newcomers)
    progress = f"{warm + len(fleet.proven)} of {fleet.settings.desired} of {aim} are warm"
    if slowest := _find_slowest(fleet):
        return f"{progress}; {print_lack(fleet, slowest)}"
    if silent := [member for member in fleet.stale if member.is_silent_in_pool]:
        return f"{progress}; {silent[0].assignment.node} does not report {silent[0].id}, which is left alone"
    return f"{progress} and take over"
