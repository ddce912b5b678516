"""The fleet as strategies see it: members by role, spare capacity, and the cause of failures."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from itertools import islice

from handshake.core.digest import Digest
from handshake.core.subject import Kind
from handshake.fleet.engine.freeze import Freeze
from handshake.fleet.engine.state import (
    BadPart,
    Desired,
    FleetMember,
    FleetSettings,
    Observed,
    PlanPart,
    Rollout,
    pointer_part,
    secrets_part,
)
from handshake.fleet.engine.steps import Drain, Retire, Revert
from handshake.fleet.engine.strategy import Strategy
from handshake.fleet.instance import Generation, Purpose
from handshake.pointers.pointer import Pointer


@dataclass(frozen=True, kw_only=True)
class Fleet:
    """One service's fleet at one moment, compared with what is desired."""

    desired: Desired
    observed: Observed
    now: float

    @property
    def settings(self) -> FleetSettings:
        """The fleet's settings."""
        return self.desired.settings

    @property
    def rollout(self) -> Rollout:
        """The record as it was kept."""
        return self.observed.rollout

    # What it should run

    @cached_property
    def bad(self) -> tuple[BadPart, ...]:
        """What of the target is marked bad."""
        return find_bad(self.desired, self.rollout)

    @cached_property
    def aim(self) -> Generation | None:
        """The target, or the stable generation while the target is bad or unreadable; None if neither will do."""
        return self.rollout.stable if self.bad or self.desired.unreadable else self.desired.target

    @property
    def needs_trial(self) -> bool:
        """Whether what it aims at has yet to pass a trial."""
        return self.aim is not None and not self._is_trusted(self.aim)

    @property
    def freeze(self) -> Freeze | None:
        """The freeze that keeps this rollout from beginning; what has begun, goes back or was forced is free of it."""
        trial = self.rollout.trial
        has_begun = self.is_compared or (trial is not None and trial.generation == self.aim)
        if not self.needs_trial or has_begun or self.rollout.stable is None or self._is_urgent:
            return None
        return self.desired.freeze

    @property
    def _is_urgent(self) -> bool:
        moved = find_moved(self.desired, self.rollout.stable)
        return bool(moved) and all(pointer.is_urgent for pointer in moved)

    @property
    def replacement(self) -> Generation | None:
        """What takes the place of a missing member: nothing that has not passed its trial."""
        return self.rollout.stable if self.needs_trial else self.aim

    def _is_trusted(self, generation: Generation) -> bool:
        is_on_record = generation == self.rollout.stable or generation in self.rollout.passed
        return is_on_record or generation == self._warm_generation

    # Who is who

    @cached_property
    def draining(self) -> tuple[FleetMember, ...]:
        """Members on their way out."""
        return self._select(member for member in self.observed.members if member.is_draining)

    @cached_property
    def trial(self) -> FleetMember | None:
        """The member that tries the target in the trial that the record names."""
        trial = self.rollout.trial
        if trial is None or not self.needs_trial or trial.generation != self.aim:
            return None
        of_this_trial = self._launched_for(Purpose.TRIAL, trial.begun_at)
        return next((member for member in of_this_trial if member.generation == self.aim), None)

    @property
    def is_compared(self) -> bool:
        """Whether the target has passed its trial and is being compared with the stable generation.

        A comparison ends with its strategy: another one's budget may not have room for both sides.
        """
        canary = self.rollout.canary
        is_wanted = self.settings.strategy is Strategy.CANARY and self.needs_trial
        return canary is not None and is_wanted and canary.generation == self.aim

    @cached_property
    def canaries(self) -> tuple[FleetMember, ...]:
        """The members that run the target in the comparison that the record names."""
        return self._compared(Purpose.CANARY, self.aim)

    @cached_property
    def baselines(self) -> tuple[FleetMember, ...]:
        """The members of the stable generation that were launched together with the canaries."""
        return self._compared(Purpose.BASELINE, self.rollout.stable)

    def _compared(self, purpose: Purpose, generation: Generation | None) -> tuple[FleetMember, ...]:
        canary = self.rollout.canary
        if canary is None or not self.is_compared:
            return ()
        launched = self._launched_for(purpose, canary.begun_at)
        return tuple(member for member in launched if member.generation == generation)

    def _launched_for(self, purpose: Purpose, begun_at: float) -> tuple[FleetMember, ...]:
        return tuple(
            member
            for member in self._running
            if member.assignment.purpose is purpose and member.assignment.assigned_at >= begun_at
        )

    @cached_property
    def strays(self) -> tuple[FleetMember, ...]:
        """Trial members of trials that failed or were superseded."""
        return tuple(
            member for member in self._untrusted if member != self.trial and member not in self.canaries
        )

    @cached_property
    def crashed(self) -> tuple[FleetMember, ...]:
        """Members that are not alive and may be replaced now: one that died young waits out its soak.

        So an instance that crashes at every start is replaced once per soak, not once per cycle.
        """
        return tuple(member for member in self._trusted if member.is_dead and not self._is_young(member))

    def _is_young(self, member: FleetMember) -> bool:
        return member.assignment.assigned_at + self.settings.soak_seconds > self.now

    @cached_property
    def staff(self) -> tuple[FleetMember, ...]:
        """The members that count: neither on trial nor draining nor crashed; oldest first."""
        gone = {member.id for member in self.crashed}
        return tuple(member for member in self._trusted if member.id not in gone)

    @cached_property
    def _untrusted(self) -> tuple[FleetMember, ...]:
        return tuple(m for m in self._running if m.is_for_trial and not self._is_trusted(m.generation))

    @cached_property
    def _trusted(self) -> tuple[FleetMember, ...]:
        on_trial = {member.id for member in self._untrusted}
        return tuple(member for member in self._running if member.id not in on_trial)

    @cached_property
    def _running(self) -> tuple[FleetMember, ...]:
        return self._select(
            member for member in self.observed.members if not (member.is_draining or member.is_parked)
        )

    # Who is warm

    @cached_property
    def parked(self) -> tuple[FleetMember, ...]:
        """Members that run outside of every pool."""
        return self._select(member for member in self.observed.members if member.is_parked)

    @cached_property
    def newcomers(self) -> tuple[FleetMember, ...]:
        """Warm members that are about to take over from stale ones."""
        if self.settings.strategy is not Strategy.BLUE_GREEN or self.needs_trial or not self.stale:
            return ()
        return tuple(m for m in self.parked if m.generation == self.aim and not m.is_dead)

    @cached_property
    def way_back(self) -> tuple[FleetMember, ...]:
        """Warm members of the generation before, as long as it is kept."""
        warm = self.rollout.warm
        if self.settings.strategy is not Strategy.BLUE_GREEN or warm is None or warm.until <= self.now:
            return ()
        return tuple(m for m in self.parked if m.generation == warm.generation and not m.is_dead)

    @cached_property
    def _warm_generation(self) -> Generation | None:
        return self.way_back[0].generation if self.way_back else None

    @cached_property
    def unwanted(self) -> tuple[FleetMember, ...]:
        """Warm members that nobody waits for, or that are too many; one that died young waits out its soak."""
        way_back = () if self._needs_room_of_way_back else self.way_back
        kept = dict.fromkeys(member.id for member in (*self.newcomers, *way_back))
        wanted = set(islice(kept, self.settings.desired))
        return tuple(m for m in self.parked if m.id not in wanted and not (m.is_dead and self._is_young(m)))

    @property
    def _needs_room_of_way_back(self) -> bool:
        """Whether a generation later than the warm one is being replaced: nobody will go back past two."""
        return not self.needs_trial and any(
            member.generation != self._warm_generation for member in self.stale
        )

    @staticmethod
    def _select(members: Iterable[FleetMember]) -> tuple[FleetMember, ...]:
        return tuple(sorted(members, key=lambda member: (member.assignment.assigned_at, member.id)))

    # How they are

    @cached_property
    def stale(self) -> tuple[FleetMember, ...]:
        """The staff that is a candidate for replacement: it runs another generation than it should."""
        return tuple(member for member in self.staff if member.generation != self.aim)

    @cached_property
    def fresh(self) -> tuple[FleetMember, ...]:
        """The staff that runs the generation that it should."""
        return tuple(member for member in self.staff if member.generation == self.aim)

    @cached_property
    def proven(self) -> tuple[FleetMember, ...]:
        """The staff that runs what it should and has shown that it can."""
        return tuple(member for member in self.fresh if self.is_proven(member))

    @cached_property
    def serving(self) -> tuple[FleetMember, ...]:
        """The staff that is known to carry traffic."""
        return tuple(member for member in self.staff if member.is_serving)

    @property
    def missing(self) -> int:
        """How many members fewer than desired there are."""
        return max(0, self.settings.desired - len(self.staff))

    @property
    def room(self) -> int:
        """How many instances the budget still allows; an instance takes room until it has drained."""
        extra = max(0, len(self.staff) - self.settings.desired)
        busy = len(self.draining) + len(self.strays) + len(self.parked) + len(self.canaries)
        return self.settings.budget - extra - busy

    def is_proven(self, member: FleetMember) -> bool:
        """Return whether a member has been alive, ready and fresh for the soak, and every gateway holds it open."""
        return member.is_serving and self.is_soaked(member)

    def is_soaked(self, member: FleetMember) -> bool:
        """Return whether a member has been alive, ready and fresh for the soak, in a pool or out of it."""
        is_able = member.verdicts.alive.is_yes and member.verdicts.ready.is_yes
        return is_able and self.is_fresh(member) and self.soaked_at(member) <= self.now

    def is_fresh(self, member: FleetMember) -> bool:
        """Return whether its node calls it fresh, where that matters."""
        return self._is_freshness_moot(member) or member.verdicts.fresh.is_yes

    def _is_freshness_moot(self, member: FleetMember) -> bool:
        """Return whether what its node calls it says nothing: it is not to run what the pointers name, or ran it before."""
        warm = self.rollout.warm
        was_fresh_before = warm is not None and member.generation == warm.generation
        return bool(self.bad) or was_fresh_before or member.assignment.purpose is Purpose.BASELINE

    def soaked_at(self, member: FleetMember) -> float:
        """Return when its soak ends if nothing breaks it."""
        verdicts = [member.verdicts.alive, member.verdicts.ready]
        if not self._is_freshness_moot(member):
            verdicts.append(member.verdicts.fresh)
        return max(verdict.since for verdict in verdicts) + self.settings.soak_seconds


# Blame: what a failed trial is laid on, and the way back.

_KEPT = 10


def find_bad(desired: Desired, rollout: Rollout) -> tuple[BadPart, ...]:
    """Return today's parts that are marked bad; a target with one of them is not tried again."""
    parts = (*(pointer_part(pointer) for pointer in desired.pointers), secrets_part(desired.secrets))
    return tuple(bad for bad in rollout.bad if bad.part in parts)


def blame(desired: Desired, rollout: Rollout, reason: str, now: float) -> Rollout:
    """Return the record with the trial over and what is new in the target marked bad."""
    marks = tuple(BadPart(part=part, reason=reason, at=now) for part in _find_new(desired, rollout.stable))
    return replace(rollout, trial=None, canary=None, bad=(*rollout.bad, *marks)[-_KEPT:])


def _find_new(desired: Desired, stable: Generation | None) -> tuple[PlanPart, ...]:
    """Return the pointers that left the stable generation; only where none did, the secrets are at fault."""
    moved = tuple(map(pointer_part, find_moved(desired, stable)))
    return moved or (secrets_part(desired.secrets),)


def find_moved(desired: Desired, stable: Generation | None) -> tuple[Pointer, ...]:
    """Return the pointers that name another release than the stable generation has."""
    return tuple(pointer for pointer in desired.pointers if pointer.release != way_back(pointer, stable))


def way_back(pointer: Pointer, stable: Generation | None) -> Digest | None:
    """Return the release of the stable generation that this pointer would go back to."""
    if stable is None:
        return None
    return stable.image if pointer.subject.kind is Kind.IMAGE else stable.templates


def revert_bad(desired: Desired, rollout: Rollout) -> tuple[Revert, ...]:
    """Return one revert for each pointer that still names a bad part; asked again until it is written."""
    reasons = {bad.part: bad.reason for bad in find_bad(desired, rollout)}
    return tuple(
        Revert(subject=pointer.subject, bad=pointer.release, to=back, why=reasons[pointer_part(pointer)])
        for pointer in desired.pointers
        if pointer_part(pointer) in reasons and (back := way_back(pointer, rollout.stable))
    )


# Capacity: whom the fleet can do without, and never at the cost of the floor.


def choose_leavers(fleet: Fleet, candidates: Iterable[FleetMember], count: int) -> tuple[FleetMember, ...]:
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


def dismiss(member: FleetMember, why: str) -> Drain | Retire:
    """Return the step by which a member leaves: the dead have nothing to finish."""
    if member.is_dead:
        return Retire(instance=member.id, why=why)
    return Drain(instance=member.id, why=why)
