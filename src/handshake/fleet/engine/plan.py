"""The rollout engine: the next steps of a fleet, as one pure function."""

from __future__ import annotations

from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import replace

from handshake.core.outcome import Outcome
from handshake.fleet.engine.blue_green import swap
from handshake.fleet.engine.canary import judge_target
from handshake.fleet.engine.describe import print_moment, print_probe
from handshake.fleet.engine.fleet import Fleet, dismiss, revert_bad
from handshake.fleet.engine.freeze import Freeze
from handshake.fleet.engine.rolling import roll
from handshake.fleet.engine.state import Decision, Desired, FleetMember, Hold, Observed, Plan, Stage
from handshake.fleet.engine.steps import Drain, Launch, Retire, Step
from handshake.fleet.engine.strategy import Strategy
from handshake.fleet.engine.trial import try_target
from handshake.fleet.instance import Generation, Purpose

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
    reason = f"paused by {hold.owner}{until}: {hold.reason}; only crashed instances are replaced"
    return Decision(stage=Stage.PAUSED, reason=reason, rollout=fleet.rollout)


def _wait_for_thaw(fleet: Fleet, freeze: Freeze) -> Decision:
    """Leave the fleet as it is until the calendar lets a rollout begin."""
    return Decision(
        stage=Stage.HELD,
        reason=f"{fleet.aim} waits for the end of the freeze, {freeze}; rollbacks do not wait",
        rollout=fleet.rollout,
    )


def _wait_for_release(fleet: Fleet) -> Decision:
    """Leave the fleet as it is until the release can be read; only the stable generation is launched."""
    stable = fleet.rollout.stable
    meanwhile = f"crashed instances are replaced by {stable}" if stable else "nothing is launched"
    return Decision(
        stage=Stage.HELD, reason=f"{fleet.desired.unreadable}; {meanwhile}", rollout=fleet.rollout
    )


def _brake(fleet: Fleet, ill: tuple[FleetMember, ...]) -> Decision:
    """Serve with what there is, and say so: replacing instances would not help and may hurt."""
    since = print_moment(ill[0].verdicts.ready.since)
    return Decision(
        stage=Stage.FROZEN,
        reason=f"{len(ill)} members fell ill the same way since {since}, so replacement is frozen; "
        "fix the cause, or move a pointer",
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
        # A comparison ends with its strategy, in the record too: it must not come back over what was launched since.
        canary=decision.rollout.canary if fleet.settings.strategy is Strategy.CANARY else None,
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


# The brake: when most of a pool falls ill the same way at once, the cause is not in the instances.

_SMALLEST_CORRELATION = 2


def find_correlated(fleet: Fleet) -> tuple[FleetMember, ...]:
    """Return the members that fell ill together, if they are more than half of the pool.

    Ill is alive but not ready, with the same status. The trial is not of the pool. A pointer that was moved
    after they fell ill is somebody's answer to it and releases the brake.
    """
    pool = [member for member in fleet.staff if member.is_in_pool]
    by_status: dict[int, list[FleetMember]] = defaultdict(list)
    for member in pool:
        if member.verdicts.ready.is_no and not member.is_dead:
            by_status[member.verdicts.ready.evidence.status].append(member)
    together = max((_fell_together(ill, fleet) for ill in by_status.values()), key=len, default=())
    if len(together) < _SMALLEST_CORRELATION or 2 * len(together) <= len(pool):
        return ()
    return together if _fell_ill_at(together[-1]) >= fleet.desired.moved_at else ()


def _fell_together(ill: Iterable[FleetMember], fleet: Fleet) -> tuple[FleetMember, ...]:
    """Return the largest group whose members fell ill within one interval, the latest last."""
    by_time = sorted(ill, key=_fell_ill_at)
    moments = [_fell_ill_at(member) for member in by_time]
    ends = (bisect_right(moments, moment + fleet.settings.brake_seconds) for moment in moments)
    start, end = max(enumerate(ends), key=lambda span: span[1] - span[0])
    return tuple(by_time[start:end])


def _fell_ill_at(member: FleetMember) -> float:
    return member.verdicts.ready.since


# Upkeep: what is done in every stage, paused and frozen ones too.


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


def _drained(fleet: Fleet, member: FleetMember) -> str:
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
    """Give up on members that never got into the pool: they are launched again, once per deadline."""
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


def _lacking_since(member: FleetMember) -> float:
    """Return when it began not to be ready; a node whose clock is behind the leader's cannot make that earlier."""
    return max(member.verdicts.ready.since, member.assignment.assigned_at)


def _launch_missing(fleet: Fleet) -> tuple[Launch, ...]:
    """Replace what crashed or never was, with the stable generation until the target has passed its trial."""
    if fleet.replacement is None:
        return ()
    launch = Launch(service=fleet.desired.service, generation=fleet.replacement, purpose=Purpose.STEADY)
    return (launch,) * fleet.missing
