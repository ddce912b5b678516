"""The trial: one instance of the target goes first, and a failure stops there."""

from __future__ import annotations

from dataclasses import replace

from handshake.fleet.engine.describe import print_evidence, print_lack, print_moment
from handshake.fleet.engine.fleet import Fleet, blame, choose_leavers, dismiss, revert_bad
from handshake.fleet.engine.state import Decision, FleetMember, Stage, Trial
from handshake.fleet.engine.steps import Launch
from handshake.fleet.engine.strategy import Canary, Strategy
from handshake.fleet.instance import Generation, Purpose


def try_target(fleet: Fleet, target: Generation) -> Decision:
    """Return the next act of the target's trial: begin it, wait, pass it, or condemn the target."""
    member = fleet.trial
    if member is None:
        return _begin(fleet, target)
    if failure := find_failure(fleet, member):
        return condemn(fleet, (member,), f"trial failed: {failure}")
    if fleet.is_proven(member):
        return _pass(fleet, member)
    return Decision(
        stage=Stage.TRIAL,
        reason=f"trial of {target}: {print_lack(fleet, member)}",
        rollout=fleet.rollout,
        witness=member,
    )


def _begin(fleet: Fleet, target: Generation) -> Decision:
    """Launch the trial's one instance, once the superseded work has left room for it."""
    if fleet.room < 1:
        return make_room(fleet, target)
    trial = fleet.rollout.trial
    if trial is None or trial.generation != target:
        trial = Trial(generation=target, begun_at=fleet.now)
    return Decision(
        stage=Stage.TRIAL,
        reason=f"trial of {target}, begun {print_moment(trial.begun_at)}",
        rollout=replace(fleet.rollout, trial=trial),
        steps=(Launch(service=fleet.desired.service, generation=target, purpose=Purpose.TRIAL),),
    )


def make_room(fleet: Fleet, target: Generation) -> Decision:
    """Send away what the target's trial or comparison has no room beside: superseded work, and the way back."""
    extra = len(fleet.staff) - fleet.settings.desired
    leavers = choose_leavers(fleet, fleet.staff, extra)
    leavers = (*leavers, *(member for member in fleet.way_back if member not in fleet.unwanted))
    busy = [member.id for member in (*fleet.draining, *fleet.strays, *leavers)]
    return Decision(
        stage=Stage.CANARY if fleet.is_compared else Stage.TRIAL,
        reason=f"{target} waits until {', '.join(busy) or 'a newcomer'} is out of the way",
        rollout=fleet.rollout,
        steps=tuple(dismiss(member, f"superseded by {target}") for member in leavers),
    )


def find_failure(fleet: Fleet, member: FleetMember) -> str:
    """Return how the trial failed, or nothing. A release is condemned on evidence, never for a node's silence."""
    if member.is_dead:
        return f"{member.id} died {print_moment(member.verdicts.alive.since)}"
    verdicts = member.verdicts
    deadline_at = member.assignment.assigned_at + fleet.settings.deadline_seconds
    if fleet.now >= deadline_at and (verdicts.ready.is_no or verdicts.fresh.is_no):
        lack = "ready" if verdicts.ready.is_no else "fresh"
        return f"{member.id} was not {lack} within {fleet.settings.deadline_seconds:g} s"
    return ""


def condemn(fleet: Fleet, members: tuple[FleetMember, ...], failure: str) -> Decision:
    """Mark what is new in the target bad, send its pointers back, and take those that tried it away."""
    why = f"{failure}; {print_evidence(members[0])}"
    rollout = blame(fleet.desired, fleet.rollout, why, fleet.now)
    return Decision(
        stage=Stage.REPLACING if rollout.stable else Stage.STUCK,
        reason=why,
        rollout=rollout,
        steps=(*revert_bad(fleet.desired, rollout), *(dismiss(member, why) for member in members)),
    )


def _pass(fleet: Fleet, member: FleetMember) -> Decision:
    """Trust the target. A first release has none before it, so it is at once what the fleet falls back to."""
    rollout = fleet.rollout
    if fleet.settings.strategy is Strategy.CANARY and rollout.stable:
        return _go_on_to_canary(fleet, member)
    return Decision(
        stage=Stage.REPLACING,
        reason=f"{member.id} passed the trial of {member.generation}",
        rollout=replace(
            rollout,
            trial=None,
            passed=(*rollout.passed, member.generation),
            stable=rollout.stable or member.generation,
        ),
    )


def _go_on_to_canary(fleet: Fleet, member: FleetMember) -> Decision:
    """Let the comparison begin; the trial leaves, since it is older than any baseline could be."""
    why = f"{member.id} passed the trial of {member.generation}"
    canary = Canary(generation=member.generation, begun_at=fleet.now)
    return Decision(
        stage=Stage.CANARY,
        reason=why,
        rollout=replace(fleet.rollout, trial=None, canary=canary),
        steps=(dismiss(member, why),),
    )
