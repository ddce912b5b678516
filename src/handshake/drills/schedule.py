"""The schedule: which request is due when. It is fixed before the first one is sent, so no answer can delay it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from random import Random

from handshake.drills.plan import Habit, LoadPlan
from handshake.drills.request_kind import RequestKind


@dataclass(frozen=True, kw_only=True, slots=True)
class Turn:
    """One request's place in the schedule."""

    after_seconds: float
    """When it is due, counted from the start."""
    kind: RequestKind
    habit: Habit
    source: str


def schedule(plan: LoadPlan) -> Iterator[Turn]:
    """Return the plan's turns in order, at equal distances; the plan's seed decides what each of them is."""
    # Chance makes a mix here, not a secret.
    chance = Random(plan.seed)  # noqa: S311 -- see above
    weights = [kind.weight for kind in plan.kinds]
    habits = [plan.habits.keep, plan.habits.close, plan.habits.rest]
    for number in range(round(plan.rate_per_second * plan.duration_seconds)):
        yield Turn(
            after_seconds=number / plan.rate_per_second,
            kind=chance.choices(plan.kinds, weights)[0],
            habit=chance.choices(_HABITS, habits)[0],
            source=chance.choice(plan.sources),
        )


_HABITS = (Habit.KEEP, Habit.CLOSE, Habit.REST)
