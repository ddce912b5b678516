"""Schedules: when what is due."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace

import pytest

from handshake.catalog.codec import decode, encode
from handshake.drills.plan import Habit, Habits, LoadPlan, schedule
from handshake.drills.requests import FixedBody, RequestKind, donation_kind
from tests.unit.drills.records import TARGET

PLAN = LoadPlan(
    target=TARGET,
    kinds=(RequestKind(name="page", weight=3), donation_kind("/give", weight=1)),
    rate_per_second=400,
    duration_seconds=10,
    sources=("127.0.0.1", "127.1.2.3"),
)


def test_equal_distances() -> None:
    """Turns are due at equal distances, as many as rate and duration ask for."""
    moments = [turn.after_seconds for turn in schedule(PLAN)]
    assert moments == [number / 400 for number in range(4000)]


def test_shares() -> None:
    """Kinds, habits and sources come in the shares that the plan asks for."""
    turns = list(schedule(PLAN))
    kinds = Counter(turn.kind.name for turn in turns)
    habits = Counter(turn.habit for turn in turns)
    sources = Counter(turn.source for turn in turns)
    assert kinds["page"] / 4000 == pytest.approx(0.75, abs=0.04)
    assert habits[Habit.KEEP] / 4000 == pytest.approx(0.6, abs=0.04)
    assert habits[Habit.CLOSE] / 4000 == pytest.approx(0.3, abs=0.04)
    assert sources["127.1.2.3"] / 4000 == pytest.approx(0.5, abs=0.04)


def test_seed() -> None:
    """One seed gives the same turns again, another one others."""
    assert list(schedule(PLAN)) == list(schedule(PLAN))
    assert list(schedule(PLAN)) != list(schedule(replace(PLAN, seed=2)))


def test_unwanted_habit() -> None:
    """A habit without weight never occurs."""
    plan = replace(PLAN, habits=Habits(keep=1, close=0, rest=0))
    assert {turn.habit for turn in schedule(plan)} == {Habit.KEEP}


def test_plan_through_a_pipe() -> None:
    """A plan that went through a pipe as JSON is the same plan, whatever its bodies."""
    form = RequestKind(name="form", method="POST", body=FixedBody(text="a=1"), headers=(("X-A", "b"),))
    plan = replace(PLAN, kinds=(*PLAN.kinds, form))
    assert decode(LoadPlan, encode(plan)) == plan


def test_senseless_plan() -> None:
    """A plan that cannot be carried out cannot be made."""
    with pytest.raises(ValueError, match="at least one kind"):
        replace(PLAN, kinds=())
    with pytest.raises(ValueError, match="at least one kind of request and one source"):
        replace(PLAN, sources=())
    with pytest.raises(ValueError, match="rate, duration and timeout must be positive"):
        replace(PLAN, rate_per_second=0)
