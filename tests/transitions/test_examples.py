"""Example transitions: a fleet's state, and the steps that the engine answers with."""

from __future__ import annotations

import re
from dataclasses import replace

import pytest

from handshake.core.subject import parse_subject
from handshake.fleet.engine.plan import plan
from handshake.fleet.engine.state import (
    BadPart,
    Desired,
    FleetMember,
    FleetSettings,
    Observed,
    Plan,
    Rollout,
    Stage,
    Trial,
    pointer_part,
    secrets_part,
)
from handshake.fleet.engine.steps import Drain, Launch, Retire, Revert, Settle, Step
from handshake.fleet.instance import Generation, Purpose, Verdicts
from tests.transitions.fleet_members import (
    BOOTING,
    DEAD,
    HEALTHY,
    HOLD,
    LONG_AGO,
    NOW,
    SILENT,
    STALE,
    YES,
    desired,
    generation,
    ill,
    member,
    pointer,
    release,
    verdict,
)

OLD, NEW, NEXT = generation("old"), generation("new"), generation("next")
TO_OLD = pointer("image/hamm", "old", stable="old")
TO_NEW = pointer("image/hamm", "new", revision=2, stable="old", moved_at=NOW - 200)
SETTLED_ON_OLD = Rollout(service="hamm", stable=OLD)
TRYING_NEW = Rollout(service="hamm", stable=OLD, trial=Trial(generation=NEW, begun_at=NOW - 100))
PASSED_NEW = Rollout(service="hamm", stable=OLD, passed=(NEW,))
BAD_NEW = Rollout(
    service="hamm", stable=OLD, bad=(BadPart(part=pointer_part(TO_NEW), reason="it died", at=NOW - 50),)
)
OLD_PAIR = (member("a", OLD), member("b", OLD))
STALE_PAIR = (member("a", OLD, STALE), member("b", OLD, STALE))


def ask(wish: Desired, rollout: Rollout, *members: FleetMember) -> Plan:
    """Return the engine's answer."""
    return plan(wish, Observed(rollout=rollout, members=members), NOW)


def launch(of: Generation, purpose: Purpose = Purpose.STEADY) -> Launch:
    """Return the step that launches one instance."""
    return Launch(service="hamm", generation=of, purpose=purpose)


def leaving(steps: tuple[Step, ...]) -> list[tuple[str, str]]:
    """Return who drains and who is retired, without the reasons."""
    return [(type(step).__name__, step.instance) for step in steps if isinstance(step, Drain | Retire)]


def trial_member(verdicts: Verdicts, *, assigned_at: float = NOW - 60, in_pool: bool = True) -> FleetMember:
    """Return the member that tries NEW."""
    return member("t", NEW, verdicts, trial=True, assigned_at=assigned_at, in_pool=in_pool)


# Nothing to do


def test_a_settled_fleet_is_left_alone() -> None:
    """A fleet that runs what its pointers ask for gets no step and keeps its record."""
    first = ask(desired(TO_OLD), SETTLED_ON_OLD, *OLD_PAIR)
    again = ask(desired(TO_OLD), first.rollout, *OLD_PAIR)
    assert first.steps == again.steps == ()
    assert again.rollout == first.rollout
    assert not again.outcome.changed
    assert again.rollout.stage is Stage.SETTLED


def test_an_unreadable_catalogue_decides_nothing() -> None:
    """What may be out of date is no ground to act on, not even for a crashed instance."""
    observed = Observed(
        rollout=TRYING_NEW, members=(member("a", OLD, DEAD), *OLD_PAIR), is_catalogue_readable=False
    )
    answer = plan(desired(TO_NEW), observed, NOW)
    assert (answer.steps, answer.rollout, answer.outcome.changed) == ((), TRYING_NEW, False)


def test_silence_changes_nothing() -> None:
    """A fleet whose nodes say nothing is neither drained nor replaced, and the reason names node and instance."""
    silent = (member("a", OLD, SILENT), member("b", OLD, SILENT), member("c", NEW))
    answer = ask(desired(TO_NEW), PASSED_NEW, *silent)
    assert answer.steps == ()
    assert answer.rollout.bad == ()
    assert {"n1", "hamm-a"} <= {*re.findall(r"[\w-]+", answer.outcome.sentence)}


def test_silence_does_not_condemn_a_release() -> None:
    """A trial whose node says nothing is waited for past its deadline: a release is condemned on evidence."""
    answer = ask(desired(TO_NEW), TRYING_NEW, *STALE_PAIR, trial_member(SILENT, assigned_at=NOW - 99))
    assert answer.steps == ()
    assert answer.rollout.bad == ()


# The trial


def test_a_new_target_is_tried_by_one_instance() -> None:
    """When a pointer moves, exactly one instance of the target is launched and the record says since when."""
    answer = ask(desired(TO_NEW, count=2), SETTLED_ON_OLD, *STALE_PAIR)
    assert answer.steps == (launch(NEW, Purpose.TRIAL),)
    assert answer.rollout.trial == Trial(generation=NEW, begun_at=NOW)
    assert answer.rollout.stage is Stage.TRIAL


def test_the_first_release_is_tried_too() -> None:
    """The very first release of a service starts with one instance, whatever the fleet's size will be."""
    answer = ask(desired(pointer("image/hamm", "old"), count=8), Rollout(service="hamm"))
    assert answer.steps == (launch(OLD, Purpose.TRIAL),)


def test_a_new_leader_keeps_the_trial_s_beginning() -> None:
    """A trial that was recorded but not launched is launched, and its clock is not reset."""
    answer = ask(desired(TO_NEW), TRYING_NEW, *STALE_PAIR)
    assert answer.steps == (launch(NEW, Purpose.TRIAL),)
    assert answer.rollout.trial == TRYING_NEW.trial


@pytest.mark.parametrize(
    ("verdicts", "in_pool"),
    [
        (BOOTING, False),
        (ill(NOW - 5), False),
        (STALE, True),
        (replace(HEALTHY, ready=verdict(YES, NOW - 9)), True),
        (HEALTHY, False),
    ],
)
def test_a_trial_is_waited_for_with_a_reason(verdicts: Verdicts, *, in_pool: bool) -> None:
    """The fleet waits until the trial is alive, ready, fresh, soaked and in the pool, and the reason is told."""
    answer = ask(desired(TO_NEW), TRYING_NEW, *STALE_PAIR, trial_member(verdicts, in_pool=in_pool))
    assert answer.steps == ()
    assert (answer.rollout.stage, answer.rollout.trial) == (Stage.TRIAL, TRYING_NEW.trial)
    assert "hamm-t" in answer.rollout.reason
    assert answer.rollout.reason in answer.outcome.sentence


def test_a_proven_trial_passes() -> None:
    """A trial that is healthy for the whole soak and in the pool makes its generation one to be trusted."""
    answer = ask(desired(TO_NEW), TRYING_NEW, *STALE_PAIR, trial_member(HEALTHY))
    assert answer.steps == ()
    assert answer.rollout.passed == (NEW,)
    assert answer.rollout.trial is None


def test_a_first_trial_that_passes_is_what_to_fall_back_to() -> None:
    """Where there is no stable generation, the first that passes becomes it, and the fleet is filled with it."""
    to_new = pointer("image/hamm", "new")
    passed = ask(desired(to_new, count=3), replace(TRYING_NEW, stable=None), trial_member(HEALTHY))
    assert passed.rollout.stable == NEW
    assert ask(desired(to_new, count=3), passed.rollout, trial_member(HEALTHY)).steps == (launch(NEW),) * 2


def test_a_trial_that_dies_reverts_its_pointer() -> None:
    """A trial that dies condemns its release at once: pointer back, trial away, fleet untouched, reason kept."""
    dead = trial_member(DEAD)
    assert dead.report
    dead = replace(dead, report=replace(dead.report, log_tail=("KeyError: 'LEDGER'",)))
    answer = ask(desired(TO_NEW), TRYING_NEW, *STALE_PAIR, dead)
    revert, retire = answer.steps
    assert isinstance(revert, Revert)
    assert (revert.subject, revert.bad, revert.to) == (TO_NEW.subject, NEW.image, OLD.image)
    assert leaving((retire,)) == [("Retire", "hamm-t")]
    assert "exit status 1" in revert.why
    assert "KeyError: 'LEDGER'" in revert.why
    assert [bad.part for bad in answer.rollout.bad] == [pointer_part(TO_NEW)]


def test_a_trial_that_is_not_ready_by_the_deadline_reverts() -> None:
    """At the deadline the last probe is the reason, and the trial drains, since it may have requests."""
    trial = trial_member(ill(NOW - 290, body="template missing"), assigned_at=NOW - 300)
    answer = ask(
        desired(TO_NEW),
        replace(TRYING_NEW, trial=Trial(generation=NEW, begun_at=NOW - 300)),
        *STALE_PAIR,
        trial,
    )
    assert leaving(answer.steps) == [("Drain", "hamm-t")]
    (revert,) = (step for step in answer.steps if isinstance(step, Revert))
    assert (revert.subject, revert.bad, revert.to) == (TO_NEW.subject, NEW.image, OLD.image)
    assert "template missing" in revert.why
    assert [bad.reason for bad in answer.rollout.bad] == [revert.why]


def test_only_what_moved_is_reverted() -> None:
    """Of image and templates, only the pointer that left the stable generation goes back."""
    stable, target = generation("i", "looks"), generation("i", "new-looks")
    wish = desired(pointer("image/hamm", "i"), pointer("templates/hamm", "new-looks", revision=4))
    record = Rollout(service="hamm", stable=stable, trial=Trial(generation=target, begun_at=NOW - 100))
    failed = member("t", target, DEAD, trial=True, assigned_at=NOW - 60)
    answer = ask(wish, record, member("a", stable), member("b", stable), failed)
    (revert,) = (step for step in answer.steps if isinstance(step, Revert))
    assert revert.subject == parse_subject("templates/hamm")
    assert revert.to == release("looks")


def test_bad_secrets_have_no_pointer_to_revert() -> None:
    """Secrets that fail their trial are marked bad, and the fleet stays on the old ones."""
    stable, target = generation("i", secrets="old"), generation("i", secrets="new")
    wish = desired(pointer("image/hamm", "i", stable="i"), secrets="new")
    record = Rollout(service="hamm", stable=stable, trial=Trial(generation=target, begun_at=NOW - 100))
    fleet = (member("a", stable, STALE), member("b", stable, STALE))
    answer = ask(wish, record, *fleet, member("t", target, DEAD, trial=True, assigned_at=NOW - 60))
    assert leaving(answer.steps) == [("Retire", "hamm-t")]
    assert ask(wish, answer.rollout, *fleet).steps == ()
    assert [bad.part for bad in answer.rollout.bad] == [secrets_part("new")]


def test_a_revert_that_was_not_written_is_asked_again() -> None:
    """While a pointer still names a bad release, the revert is repeated and no second trial begins."""
    answer = ask(desired(TO_NEW), BAD_NEW, *STALE_PAIR)
    assert answer.steps == (Revert(subject=TO_NEW.subject, bad=NEW.image, to=OLD.image, why="it died"),)


def test_promoting_a_bad_release_again_tries_it_again() -> None:
    """A person who promotes a release that failed gets a new trial: the mark is on that revision alone."""
    again = replace(TO_NEW, revision=4)
    assert launch(NEW, Purpose.TRIAL) in ask(desired(again), BAD_NEW, *STALE_PAIR).steps


def test_a_failed_trial_is_not_mistaken_for_the_next_one() -> None:
    """A member of an earlier trial of the same release is sent away, whatever became of it since."""
    earlier = trial_member(DEAD, assigned_at=NOW - 101)
    answer = ask(desired(TO_NEW), TRYING_NEW, *STALE_PAIR, earlier)
    assert leaving(answer.steps) == [("Retire", "hamm-t")]
    assert answer.rollout.bad == ()


def test_a_first_release_that_fails_is_not_launched_in_a_loop() -> None:
    """With nothing to go back to, the release is marked bad, and the fleet is stuck until a person acts."""
    wish = desired(pointer("image/hamm", "new"))
    failed = ask(wish, replace(TRYING_NEW, stable=None), trial_member(DEAD))
    assert leaving(failed.steps) == [("Retire", "hamm-t")]
    after = ask(wish, failed.rollout)
    assert after.steps == ()
    assert after.rollout.stage is Stage.STUCK
    assert [bad.part for bad in after.rollout.bad] == [pointer_part(wish.image)]


# Rolling


def test_a_trusted_target_surges_within_the_budget() -> None:
    """The budget is the larger of one and a quarter: eight members get two newcomers at a time."""
    fleet = [member(name, OLD, STALE) for name in "abcdefgh"]
    assert ask(desired(TO_NEW, count=8), PASSED_NEW, *fleet).steps == (launch(NEW),) * 2


def test_a_newcomer_that_no_gateway_holds_drains_nobody() -> None:
    """No old member is drained before every gateway acknowledged a pool with the newcomer in it."""
    newcomer = member("c", NEW, in_pool=False)
    assert ask(desired(TO_NEW), PASSED_NEW, *STALE_PAIR, newcomer).steps == ()


def test_a_low_floor_does_not_hurry_a_replacement() -> None:
    """Even where the floor would allow it, nobody drains for a newcomer that has yet to soak."""
    wish = replace(desired(TO_NEW), settings=FleetSettings(desired=2, floor_share=0.5))
    soaking = member("c", NEW, replace(HEALTHY, ready=verdict(YES, NOW - 9)))
    assert ask(wish, PASSED_NEW, *STALE_PAIR, soaking).steps == ()


def test_a_proven_newcomer_lets_the_oldest_go() -> None:
    """For each proven newcomer one old member drains, the oldest first."""
    fleet = (member("a", OLD, STALE, assigned_at=LONG_AGO + 1), member("b", OLD, STALE))
    answer = ask(desired(TO_NEW), PASSED_NEW, *fleet, member("c", NEW))
    assert leaving(answer.steps) == [("Drain", "hamm-b")]


def test_an_ill_old_member_goes_before_a_healthy_one() -> None:
    """Who does not serve is let go first, since that costs no capacity."""
    fleet = (member("a", OLD, STALE), member("b", OLD, ill(NOW - 5), assigned_at=LONG_AGO + 1))
    assert leaving(ask(desired(TO_NEW), PASSED_NEW, *fleet, member("c", NEW)).steps) == [("Drain", "hamm-b")]


def test_the_floor_counts_only_what_is_known_to_serve() -> None:
    """A member that serves is not drained while those known to serve would be fewer than the floor."""
    fleet = (member("a", OLD, STALE), member("b", OLD, SILENT), member("c", NEW))
    assert leaving(ask(desired(TO_NEW), PASSED_NEW, *fleet).steps) == []


@pytest.mark.parametrize(
    ("is_out_of_pool", "since", "steps"),
    [
        (False, NOW - 29, []),
        (True, NOW - 1, [("Retire", "hamm-a")]),
        (False, NOW - 30, [("Retire", "hamm-a")]),
    ],
)
def test_a_drained_member_is_retired(
    *, is_out_of_pool: bool, since: float, steps: list[tuple[str, str]]
) -> None:
    """A draining member is stopped once it has left every pool, or at the drain deadline."""
    leaver = replace(member("a", OLD, draining_since=since), is_out_of_pool=is_out_of_pool)
    assert (
        leaving(ask(desired(TO_OLD), SETTLED_ON_OLD, leaver, member("b", OLD), member("c", OLD)).steps)
        == steps
    )


def test_a_draining_member_takes_room_in_the_budget() -> None:
    """The next newcomer is launched when the old member has gone, not when it begins to go."""
    fleet = (member("a", OLD, draining_since=NOW - 5), member("b", OLD, STALE), member("c", NEW))
    assert ask(desired(TO_NEW), PASSED_NEW, *fleet).steps == ()


def test_a_whole_fleet_settles_its_pointers() -> None:
    """When all run the target and are proven, pointers and record call it the stable one."""
    answer = ask(desired(TO_NEW), PASSED_NEW, member("c", NEW), member("d", NEW))
    assert answer.steps == (Settle(subject=TO_NEW.subject, release=NEW.image),)
    assert (answer.rollout.stable, answer.rollout.passed, answer.rollout.stage) == (NEW, (), Stage.SETTLED)


def test_a_lost_settle_is_asked_again() -> None:
    """A pointer that never learnt that its release is stable is told again."""
    answer = ask(desired(TO_NEW), Rollout(service="hamm", stable=NEW), member("c", NEW), member("d", NEW))
    assert answer.steps == (Settle(subject=TO_NEW.subject, release=NEW.image),)


def test_rolling_back_half_way_needs_no_trial() -> None:
    """A pointer that returns to the stable generation keeps its members and sends the newcomer away."""
    back = replace(TO_OLD, revision=3, moved_at=NOW - 20)
    answer = ask(desired(back), PASSED_NEW, *OLD_PAIR, member("c", NEW, STALE))
    assert leaving(answer.steps) == [("Drain", "hamm-c")]
    assert not any(isinstance(step, Launch) for step in answer.steps)


def test_the_newest_target_supersedes_a_trial() -> None:
    """A trial whose target is no longer asked for drains, and the next waits for the room it takes."""
    to_next = pointer("image/hamm", "next", revision=3, stable="old", moved_at=NOW)
    answer = ask(desired(to_next), TRYING_NEW, *STALE_PAIR, trial_member(BOOTING, in_pool=False))
    assert leaving(answer.steps) == [("Drain", "hamm-t")]
    drained = ask(desired(to_next), answer.rollout, *STALE_PAIR)
    assert drained.steps == (launch(NEXT, Purpose.TRIAL),)


# Crashes and size


@pytest.mark.parametrize(("record", "of"), [(TRYING_NEW, OLD), (PASSED_NEW, NEW)])
def test_a_crashed_member_is_replaced_at_once(record: Rollout, of: Generation) -> None:
    """It is replaced with the stable generation until the trial has passed, and with the target afterwards."""
    answer = ask(
        desired(TO_NEW), record, member("a", OLD, DEAD), member("b", OLD, STALE), trial_member(BOOTING)
    )
    assert leaving(answer.steps)[0] == ("Retire", "hamm-a")
    assert {step for step in answer.steps if isinstance(step, Launch)} == {launch(of)}


def test_a_crash_at_every_start_is_paced() -> None:
    """An instance that died within its soak is replaced when the soak is over, not in every cycle."""
    young = member("a", OLD, DEAD, assigned_at=NOW - 9)
    assert ask(desired(TO_OLD), SETTLED_ON_OLD, young, member("b", OLD)).steps == ()
    older = member("a", OLD, DEAD, assigned_at=NOW - 10)
    answer = ask(desired(TO_OLD), SETTLED_ON_OLD, older, member("b", OLD))
    assert answer.steps == (Retire(instance="hamm-a", why="not alive"), launch(OLD))


def test_more_desired_launches_more() -> None:
    """A fleet that shall be larger is filled with the stable generation."""
    assert ask(desired(TO_OLD, count=4), SETTLED_ON_OLD, *OLD_PAIR).steps == (launch(OLD),) * 2


def test_fewer_desired_drains_the_oldest() -> None:
    """A fleet that shall be smaller drains whoever is too many, the oldest first, down to the floor."""
    fleet = [member(name, OLD, assigned_at=LONG_AGO + at) for at, name in enumerate("dcba")]
    answer = ask(desired(TO_OLD, count=2), SETTLED_ON_OLD, *fleet)
    assert leaving(answer.steps) == [("Drain", "hamm-d"), ("Drain", "hamm-c")]


def test_a_member_that_never_gets_ready_is_given_up() -> None:
    """A newcomer that is not in the pool and was not ready for the whole deadline makes place for another."""
    overdue = member("c", NEW, ill(NOW - 300), in_pool=False, assigned_at=NOW - 301)
    assert leaving(ask(desired(TO_NEW), PASSED_NEW, *STALE_PAIR, overdue).steps) == [("Drain", "hamm-c")]


# Brake and pause


def test_a_pool_that_falls_ill_together_is_frozen() -> None:
    """More than half of a pool failing the same way within a minute stops replacement and goes on serving."""
    fleet = (member("a", OLD, ill(NOW - 30)), member("b", OLD, ill(NOW - 20)), member("c", NEW))
    answer = ask(desired(TO_NEW), PASSED_NEW, *fleet)
    assert answer.steps == ()
    assert answer.rollout.stage is Stage.FROZEN
    assert "no database" in answer.outcome.sentence


def test_a_pointer_that_moved_afterwards_releases_the_brake() -> None:
    """Whoever moves a pointer after the pool fell ill has answered it, and the trial guards the answer."""
    fleet = (member("a", OLD, ill(NOW - 30)), member("b", OLD, ill(NOW - 20)))
    answer = ask(desired(replace(TO_NEW, moved_at=NOW - 10)), SETTLED_ON_OLD, *fleet)
    assert answer.steps == (launch(NEW, Purpose.TRIAL),)


def test_different_failures_do_not_brake() -> None:
    """Members that fail in different ways, or at different times, are each a matter of their own."""
    fleet = (member("a", OLD, ill(NOW - 190, status=500)), member("b", OLD, ill(NOW - 20, status=503)))
    assert ask(desired(TO_NEW), PASSED_NEW, *fleet).rollout.stage is Stage.REPLACING


def test_a_pause_replaces_only_what_crashed() -> None:
    """A paused fleet keeps its size, and nothing else moves."""
    wish = replace(desired(TO_NEW), hold=HOLD)
    answer = ask(wish, SETTLED_ON_OLD, member("a", OLD, DEAD), member("b", OLD, STALE))
    assert answer.steps == (Retire(instance="hamm-a", why="not alive"), launch(OLD))
    assert answer.rollout.stage is Stage.PAUSED


def test_a_fleet_of_nothing_is_refused() -> None:
    """A fleet has at least one instance."""
    with pytest.raises(ValueError, match="fleet"):
        FleetSettings(desired=0)
