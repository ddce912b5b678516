"""Rolling: a few new instances at a time; each is proven before one old member drains."""

from __future__ import annotations

from dataclasses import replace

from handshake.core.digest import Digest
from handshake.fleet.engine.describe import print_lack, print_moment
from handshake.fleet.engine.fleet import Fleet, choose_leavers, dismiss
from handshake.fleet.engine.state import Decision, FleetMember, Stage
from handshake.fleet.engine.steps import Drain, Launch, Retire, Settle
from handshake.fleet.instance import Generation, Purpose


def roll(fleet: Fleet, aim: Generation) -> Decision:
    """Return the next act towards a whole fleet of the generation aimed at."""
    if _is_settled(fleet, aim):
        return _settle(fleet, aim)
    surge, drains = _surge(fleet, aim), _drain_replaced(fleet, aim)
    member = _find_slowest(fleet)
    return Decision(
        stage=Stage.REPLACING,
        reason=_explain(fleet, aim, member),
        rollout=replace(fleet.rollout, trial=None),
        steps=(*surge, *drains),
        witness=member,
    )


def _surge(fleet: Fleet, aim: Generation) -> tuple[Launch, ...]:
    """Launch newcomers as far as the budget allows; members that are missing are launched without it."""
    wanted = fleet.settings.desired - len(fleet.fresh) - fleet.missing
    launch = Launch(service=fleet.desired.service, generation=aim, purpose=Purpose.STEADY)
    return (launch,) * min(wanted, fleet.room)


def _drain_replaced(fleet: Fleet, aim: Generation) -> tuple[Drain | Retire, ...]:
    """Let stale members go, one for each proven newcomer that stands in for it; then whoever is too many."""
    if fleet.stale:
        spare = len(fleet.stale) + len(fleet.proven) - fleet.settings.desired
        why = f"replaced by {aim}"
        return tuple(dismiss(member, why) for member in choose_leavers(fleet, fleet.stale, spare))
    spare = len(fleet.staff) - fleet.settings.desired
    why = f"{fleet.settings.desired} are enough"
    return tuple(dismiss(member, why) for member in choose_leavers(fleet, fleet.staff, spare))


def _is_settled(fleet: Fleet, aim: Generation) -> bool:
    """Return whether all run what they should; having settled once, an ill member does not undo it."""
    is_whole = not fleet.stale and len(fleet.fresh) == fleet.settings.desired
    is_quiet = not (fleet.draining or fleet.strays)
    was_settled = fleet.rollout.stable == aim and not fleet.rollout.passed and not _unsettled(fleet)
    return is_whole and is_quiet and (was_settled or len(fleet.proven) == len(fleet.fresh))


def _settle(fleet: Fleet, aim: Generation) -> Decision:
    member = _find_slowest(fleet)
    ill = f", but {print_lack(fleet, member)}" if member else ""
    return Decision(
        stage=Stage.SETTLED,
        reason=f"{len(fleet.staff)} of {fleet.settings.desired} run {aim}{ill}{_explain_way_back(fleet)}{_explain_bad(fleet)}",
        rollout=replace(fleet.rollout, stable=aim, trial=None, canary=None, passed=()),
        steps=_unsettled(fleet),
        witness=member,
    )


def _unsettled(fleet: Fleet) -> tuple[Settle, ...]:
    """Return a step for each pointer that does not yet know that its release is the stable one."""
    if fleet.bad:
        return ()
    return tuple(
        Settle(subject=pointer.subject, release=Digest(pointer.release))
        for pointer in fleet.desired.pointers
        if pointer.stable != pointer.release
    )


def _find_slowest(fleet: Fleet) -> FleetMember | None:
    """Return the oldest member of the right generation that is not proven."""
    return next((member for member in fleet.fresh if not fleet.is_proven(member)), None)


def _explain(fleet: Fleet, aim: Generation, slowest: FleetMember | None) -> str:
    """Return how far it is, and the one thing that it waits for."""
    progress = f"{len(fleet.proven)} of {fleet.settings.desired} run {aim} and are proven"
    return f"{progress}; {_explain_wait(fleet, slowest)}{_explain_bad(fleet)}"


def _explain_wait(fleet: Fleet, slowest: FleetMember | None) -> str:
    if slowest:
        return print_lack(fleet, slowest)
    if fleet.draining:
        member = fleet.draining[0]
        return f"{member.id} drains since {print_moment(member.assignment.phase_at)}"
    if silent := [member for member in fleet.stale if member.is_silent_in_pool]:
        return f"{silent[0].assignment.node} does not report {silent[0].id}, which is left alone"
    return f"{len(fleet.serving)} serve, {fleet.settings.floor} must"


def _explain_way_back(fleet: Fleet) -> str:
    warm = fleet.rollout.warm
    if warm is None or not fleet.way_back:
        return ""
    return f"; {warm.generation} is kept warm until {print_moment(warm.until)}"


def _explain_bad(fleet: Fleet) -> str:
    return "".join(f"; {bad.part} is bad: {bad.reason}" for bad in fleet.bad)
