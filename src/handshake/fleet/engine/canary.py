"""Canary: a few instances of the target beside as many fresh ones of the stable generation, then a comparison."""

from __future__ import annotations

from dataclasses import replace

from handshake.fleet.engine.canary_analysis import CanarySample, CanaryVerdict, add_up, compare
from handshake.fleet.engine.describe import print_lack, print_moment
from handshake.fleet.engine.fleet import Fleet
from handshake.fleet.engine.state import Decision, FleetMember, Rollout, Stage
from handshake.fleet.engine.steps import Launch
from handshake.fleet.engine.strategy import Canary
from handshake.fleet.engine.trial import condemn, find_failure, make_room
from handshake.fleet.instance import Generation, Purpose


def judge_target(fleet: Fleet, target: Generation) -> Decision:
    """Return the next act of the target's comparison: launch both sides, wait, pass it, or condemn it."""
    if failure := next((why for member in fleet.canaries if (why := find_failure(fleet, member))), ""):
        return condemn(fleet, fleet.canaries, failure)
    if not _is_complete(fleet):
        return _begin(fleet, target)
    if member := _find_unproven(fleet):
        return _wait(fleet, target, print_lack(fleet, member), member)
    served_until = _served_since(fleet) + fleet.settings.canary.seconds
    if fleet.now < served_until:
        return _wait(fleet, target, f"both sides serve until {print_moment(served_until)}")
    return _judge(fleet, target)


def _begin(fleet: Fleet, target: Generation) -> Decision:
    """Launch both sides in one plan, so that they are of one age; what is incomplete begins again."""
    size = fleet.settings.canary_size
    if fleet.canaries or fleet.baselines:
        why = "one of the sides is gone: the comparison starts again"
        return _wait(_restart(fleet, target), target, why)
    if fleet.room < 2 * size:
        return make_room(fleet, target)
    return Decision(
        stage=Stage.CANARY,
        reason=f"canary of {target}: {size} beside {size} fresh ones of {fleet.rollout.stable}",
        rollout=fleet.rollout,
        steps=(
            *_launch(fleet, target, Purpose.CANARY),
            *_launch(fleet, fleet.rollout.stable, Purpose.BASELINE),
        ),
    )


def _restart(fleet: Fleet, target: Generation) -> Fleet:
    """Return the fleet with a record by which nothing that runs belongs to the comparison any more."""
    later = max(member.assignment.assigned_at for member in (*fleet.canaries, *fleet.baselines))
    canary = Canary(generation=target, begun_at=max(fleet.now, later + 1e-3))
    return replace(fleet, observed=replace(fleet.observed, rollout=replace(fleet.rollout, canary=canary)))


def _launch(fleet: Fleet, generation: Generation | None, purpose: Purpose) -> tuple[Launch, ...]:
    if generation is None:
        return ()
    launch = Launch(service=fleet.desired.service, generation=generation, purpose=purpose)
    return (launch,) * fleet.settings.canary_size


def _is_complete(fleet: Fleet) -> bool:
    return len(fleet.canaries) == len(fleet.baselines) > 0


def _find_unproven(fleet: Fleet) -> FleetMember | None:
    return next((m for m in (*fleet.canaries, *fleet.baselines) if not fleet.is_proven(m)), None)


def _served_since(fleet: Fleet) -> float:
    """Return since when all of both sides are ready."""
    return max(member.verdicts.ready.since for member in (*fleet.canaries, *fleet.baselines))


def _judge(fleet: Fleet, target: Generation) -> Decision:
    judgement = compare(
        _sample(fleet, fleet.canaries), _sample(fleet, fleet.baselines), fleet.settings.canary
    )
    match judgement.finding:
        case CanaryVerdict.TOO_LITTLE:
            return _wait(fleet, target, judgement.why)
        case CanaryVerdict.WORSE:
            return condemn(fleet, fleet.canaries, f"worse than its baseline: {judgement.why}")
        case CanaryVerdict.NO_WORSE:
            return Decision(
                stage=Stage.REPLACING,
                reason=f"{target} is no worse than its baseline: {judgement.why}",
                rollout=_pass(fleet.rollout, target),
            )


def _pass(rollout: Rollout, target: Generation) -> Rollout:
    return replace(rollout, canary=None, passed=(*rollout.passed, target))


def _sample(fleet: Fleet, members: tuple[FleetMember, ...]) -> CanarySample:
    names = {member.id for member in members}
    return add_up(sample for sample in fleet.observed.samples if sample.instance in names)


def _wait(fleet: Fleet, target: Generation, why: str, witness: FleetMember | None = None) -> Decision:
    return Decision(
        stage=Stage.CANARY,
        reason=f"canary of {target}: {why}",
        rollout=fleet.rollout,
        witness=witness,
    )
