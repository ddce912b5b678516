"""The freeze calendar: which moments it freezes, and which rollouts it keeps from beginning."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handshake.fleet.engine.freeze import (
    Calendar,
    Freeze,
    WeeklyWindow,
    find_freeze,
    parse_dates,
    parse_weekly,
    parse_zone,
)
from handshake.fleet.engine.plan import plan
from handshake.fleet.engine.state import Desired, Observed, Plan, Rollout, Stage, Trial
from handshake.fleet.engine.steps import Launch
from handshake.fleet.instance import Purpose
from tests.transitions.fleet_members import (
    BOOTING,
    HOLD,
    NOW,
    desired,
    generation,
    member,
    pointer,
)

BERLIN = "Europe/Berlin"
OLD, NEW = generation("old"), generation("new")
TO_NEW = pointer("image/hamm", "new", revision=2, stable="old")
SETTLED = Rollout(service="hamm", stable=OLD)
FREEZE = Freeze(until=NOW + 3600, zone="UTC")


def at(text: str, zone: str = BERLIN) -> float:
    """Return a moment, as a clock of that zone tells it."""
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


def weekend() -> Calendar:
    """Return a calendar that freezes from Friday afternoon to Monday morning."""
    return Calendar(zone=BERLIN, windows=(parse_weekly("fri 16:00 - mon 08:00"),))


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-11-20T15:59", None),
        ("2026-11-20T16:00", "2026-11-23T08:00"),
        ("2026-11-22T23:59", "2026-11-23T08:00"),
        ("2026-11-23T07:59", "2026-11-23T08:00"),
        ("2026-11-23T08:00", None),
        # The clocks go back in the night to Sunday.
        ("2026-10-24T12:00", "2026-10-26T08:00"),
    ],
)
def test_a_window_may_run_over_the_end_of_the_week(now: str, until: str | None) -> None:
    """A window begins with its first minute and ends with its last, over Sunday night and a change of clocks."""
    freeze = find_freeze(weekend(), at(now))
    assert (freeze and freeze.until) == (at(until) if until else None)


def test_the_last_day_is_frozen_too() -> None:
    """A range of days ends at the midnight after its last day, where the operators are."""
    calendar = Calendar(zone=BERLIN, windows=(parse_dates("2026-12-23 - 2027-01-02"),))
    freeze = find_freeze(calendar, at("2027-01-02T23:59"))
    assert freeze
    assert freeze.until == at("2027-01-03T00:00")
    assert find_freeze(calendar, freeze.until) is None
    assert freeze.zone == BERLIN


def test_windows_that_touch_are_one_freeze() -> None:
    """The end of a freeze is a moment at which a rollout may begin, not the beginning of the next freeze."""
    windows = (parse_weekly("sat 00:00 - sun 24:00"), parse_weekly("mon 00:00 - mon 06:00"))
    freeze = find_freeze(Calendar(zone=BERLIN, windows=windows), at("2026-11-21T12:00"))
    assert freeze
    assert freeze.until == at("2026-11-23T06:00")


@given(
    begin=st.integers(min_value=0, max_value=7 * 1440 - 1),
    length=st.integers(min_value=1, max_value=7 * 1440 - 1),
    now=st.integers(min_value=0, max_value=14 * 1440),
)
def test_a_window_freezes_as_many_minutes_as_it_has(begin: int, length: int, now: int) -> None:
    """A minute of any week is frozen exactly if it lies less than the window's length after its beginning."""
    window = WeeklyWindow(begin=begin, end=(begin + length) % (7 * 1440))
    monday = datetime(2026, 11, 16, tzinfo=UTC)
    freeze = find_freeze(
        Calendar(zone="UTC", windows=(window,)), (monday + timedelta(minutes=now)).timestamp()
    )
    assert bool(freeze) == ((now - begin) % (7 * 1440) < length)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("fri 16:00", "fri 16:00"),
        ("fry 16:00 - mon 08:00", "fry"),
        ("fri 16:60 - mon 08:00", "16:60"),
        ("mon 00:00 - sun 24:00", "mon 00:00 - sun 24:00"),
    ],
)
def test_windows_that_mean_nothing_are_refused(text: str, named: str) -> None:
    """What is no window of the week is refused, and the part that is wrong is named."""
    with pytest.raises(ValueError, match=named):
        parse_weekly(text)


def test_ranges_and_zones_that_mean_nothing_are_refused() -> None:
    """A range that ends before it begins and a zone that nobody knows are refused."""
    with pytest.raises(ValueError, match="2027-01-02 - 2026-12-23"):
        parse_dates("2027-01-02 - 2026-12-23")
    with pytest.raises(ValueError, match="Germany/Berlin"):
        parse_zone("Germany/Berlin")


def ask(wish: Desired, rollout: Rollout, *, is_booting: bool = False) -> Plan:
    """Return the engine's answer about a settled pair, with a trial that boots beside it if one is asked for."""
    trial = (member("t", NEW, BOOTING, trial=True, assigned_at=NOW - 5, in_pool=False),) if is_booting else ()
    members = (member("a", OLD), member("b", OLD), *trial)
    return plan(wish, Observed(rollout=rollout, members=members), NOW)


def begins(answer: Plan) -> bool:
    """Tell whether a trial is launched."""
    return any(isinstance(step, Launch) and step.purpose is Purpose.TRIAL for step in answer.steps)


def test_no_rollout_begins_inside_a_freeze() -> None:
    """A promotion waits for the end of the freeze, and says until when."""
    answer = ask(replace(desired(TO_NEW), freeze=FREEZE), SETTLED)
    assert answer.steps == ()
    assert answer.rollout.stage is Stage.HELD
    assert str(FREEZE) in answer.rollout.reason


def test_a_rollout_that_has_begun_goes_on() -> None:
    """A freeze does not stop half-way what began before it."""
    trying = replace(SETTLED, trial=Trial(generation=NEW, begun_at=NOW - 10))
    answer = ask(replace(desired(TO_NEW), freeze=FREEZE), trying, is_booting=True)
    assert answer.rollout.stage is Stage.TRIAL


def test_what_goes_back_or_is_forced_begins() -> None:
    """A rollback, and a promotion that was forced, begin inside a freeze."""
    urgent = replace(TO_NEW, is_urgent=True)
    assert begins(ask(replace(desired(urgent), freeze=FREEZE), SETTLED))


def test_one_forced_pointer_does_not_take_another_along() -> None:
    """Where image and templates have both moved, both must be free of the freeze."""
    templates = pointer("templates/hamm", "fancy", revision=2, stable="plain")
    both = replace(desired(replace(TO_NEW, is_urgent=True), templates), freeze=FREEZE)
    settled = Rollout(service="hamm", stable=generation("old", "plain"))
    assert not begins(ask(both, settled))


def test_a_first_release_begins_inside_a_freeze() -> None:
    """Where nothing runs yet there is nothing to freeze."""
    wish = replace(desired(pointer("image/hamm", "new")), freeze=FREEZE)
    assert begins(plan(wish, Observed(rollout=Rollout(service="hamm")), NOW))


def test_a_pause_says_who_and_ends_by_itself() -> None:
    """A pause is told with its owner and reason; when its time is over, the rollout begins."""
    for_a_while = replace(HOLD, until=NOW + 1)
    paused = ask(replace(desired(TO_NEW), hold=for_a_while), SETTLED)
    assert paused.rollout.stage is Stage.PAUSED
    assert not begins(paused)
    assert all(word in paused.rollout.reason for word in (HOLD.owner, "02:46:41Z", HOLD.reason))
    assert begins(ask(replace(desired(TO_NEW), hold=replace(for_a_while, until=NOW)), SETTLED))
