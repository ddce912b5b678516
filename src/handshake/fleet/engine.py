"""The rollout engine: the whole theory of replacement as one pure function."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

from handshake.core.instance import Generation
from handshake.core.outcome import Outcome
from handshake.core.step import Step
from handshake.fleet.blue_green import swap
from handshake.fleet.brake import find_correlated
from handshake.fleet.canary import judge_target
from handshake.fleet.fleet import Fleet
from handshake.fleet.freeze import Freeze
from handshake.fleet.hold import Hold
from handshake.fleet.plan import Decision, Plan
from handshake.fleet.rolling import roll
from handshake.fleet.state import Desired, Member, Observed, Stage
from handshake.fleet.strategy import Strategy
from handshake.fleet.trial import try_target
from handshake.fleet.upkeep import keep_alive, keep_up
from handshake.fleet.wording import print_moment, print_probe

_MOVING = {Stage.TRIAL, Stage.REPLACING}


def plan(desired: Desired, observed: Observed, now: float) -> Plan:
    """Return what to do about a service's fleet now: steps in order, the record to keep, one sentence.

    The same arguments give the same plan; a fleet that is as desired gives no steps and an equal record.
    """
    fleet = Fleet(desired=desired, observed=observed, now=now)
    if not observed.is_catalogue_readable:
        return _stand_still(fleet)
    if desired.unreadable:
        return _conclude(fleet, keep_alive(fleet), _wait_for_release(fleet))
    return _conclude(fleet, keep_up(fleet), _decide(fleet))


def _decide(fleet: Fleet) -> Decision:
    """Try the target with one instance, then roll the fleet to it, unless something forbids."""
    if fleet.aim is None:
        return _give_up(fleet)
    if hold := _find_hold(fleet):
        return _pause(fleet, hold)
    if ill := find_correlated(fleet):
        return _brake(fleet, ill)
    if freeze := fleet.freeze:
        return _wait_for_thaw(fleet, freeze)
    return _replace(fleet, fleet.aim)


def _replace(fleet: Fleet, aim: Generation) -> Decision:
    """Try what is new, compare it where the strategy says so, then let it take over."""
    if fleet.is_compared:
        return judge_target(fleet, aim)
    if fleet.needs_trial:
        return try_target(fleet, aim)
    return swap(fleet, aim) if fleet.settings.strategy is Strategy.BLUE_GREEN else roll(fleet, aim)


def _give_up(fleet: Fleet) -> Decision:
    bad = fleet.bad[0]
    return Decision(
        stage=Stage.STUCK,
        reason=f"{bad.part} is bad and there is no release to go back to: promote another, or this one again; {bad.reason}",
        rollout=fleet.rollout,
    )


def _find_hold(fleet: Fleet) -> Hold | None:
    hold = fleet.desired.hold
    return hold if hold and hold.is_active(fleet.now) else None


def _pause(fleet: Fleet, hold: Hold) -> Decision:
    until = f" until {print_moment(hold.until)}" if hold.until is not None else ""
    reason = f"paused by {hold.owner}{until}: {hold.reason}; nothing is replaced but what crashed"
    return Decision(stage=Stage.PAUSED, reason=reason, rollout=fleet.rollout)


def _wait_for_thaw(fleet: Fleet, freeze: Freeze) -> Decision:
    """Leave the fleet as it is until the calendar lets a rollout begin."""
    return Decision(
        stage=Stage.HELD,
        reason=f"{fleet.aim} waits for the end of the freeze, {freeze}; what goes back need not",
        rollout=fleet.rollout,
    )


def _wait_for_release(fleet: Fleet) -> Decision:
    """Leave the fleet as it is until the release can be read; only the stable generation is launched."""
    stable = fleet.rollout.stable
    meanwhile = f"what crashes is replaced by {stable}" if stable else "nothing is launched"
    return Decision(
        stage=Stage.HELD, reason=f"{fleet.desired.unreadable}; {meanwhile}", rollout=fleet.rollout
    )


def _brake(fleet: Fleet, ill: tuple[Member, ...]) -> Decision:
    """Serve with what there is, and say so: replacing instances would not help and may hurt."""
    since = print_moment(ill[0].verdicts.ready.since)
    return Decision(
        stage=Stage.FROZEN,
        reason=f"{len(ill)} members fell ill the same way since {since}, so replacement is frozen; "
        "mend the cause, or move a pointer",
        rollout=fleet.rollout,
        witness=ill[-1],
    )


def _stand_still(fleet: Fleet) -> Plan:
    service = fleet.desired.service
    sentence = f"{service}: the catalogue cannot be read; everything stays as it is"
    return Plan(steps=(), rollout=fleet.rollout, outcome=Outcome(sentence=sentence, changed=False))


def _conclude(fleet: Fleet, upkeep: tuple[Step, ...], decision: Decision) -> Plan:
    """Put upkeep and decision together into a plan, with the sentence that tells both."""
    before, steps = fleet.rollout, (*upkeep, *decision.steps)
    stage_at = before.stage_at if before.stage is decision.stage else fleet.now
    rollout = replace(
        decision.rollout,
        stage=decision.stage,
        stage_at=stage_at,
        reason=decision.reason,
        witness=decision.witness.id if decision.witness else "",
    )
    probe = f"; {print_probe(decision.witness.verdicts.ready.evidence)}" if decision.witness else ""
    sentence = f"{fleet.desired.service}: {_print_steps(steps)}{decision.reason}{probe}"
    outcome = Outcome(
        sentence=sentence,
        changed=bool(steps) or rollout != before,
        is_waiting=decision.stage in _MOVING,
    )
    return Plan(steps=steps, rollout=rollout, outcome=outcome)


def _print_steps(steps: tuple[Step, ...]) -> str:
    counts = Counter(type(step).__name__.lower() for step in steps)
    return ", ".join(f"{name} {count}" for name, count in counts.items()) + ("; " if counts else "")
