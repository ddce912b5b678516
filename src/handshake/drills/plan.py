"""A load plan, its target, and the schedule of requests, fixed before the first one is sent."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from random import Random

from handshake.drills.requests import RequestKind

# Where load goes.


@dataclass(frozen=True, kw_only=True)
class Target:
    """A listener that speaks HTTP/1.1 over IPv4, without TLS."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"


class Habit(StrEnum):
    """How a visitor uses the connection of a request."""

    KEEP = "keep"
    """Uses an open one, and leaves it open for the next request."""
    CLOSE = "close"
    """Opens one, and asks the server to close it."""
    REST = "rest"
    """Takes one that has been idle for seconds, and leaves it open."""


@dataclass(frozen=True, kw_only=True)
class Habits:
    """How the habits are mixed, as weights."""

    keep: float = 0.6
    close: float = 0.3
    rest: float = 0.1
    rest_seconds: float = 2.0
    """How long a connection of `rest` is idle between two requests, at the least."""

    def __post_init__(self) -> None:
        weights = (self.keep, self.close, self.rest)
        if min(weights) < 0 or sum(weights) <= 0:
            raise ValueError("the weights of habits must not be negative, and one must be positive")


@dataclass(frozen=True, kw_only=True)
class LoadPlan:
    """What to send."""

    target: Target
    kinds: tuple[RequestKind, ...]
    rate_per_second: float
    duration_seconds: float
    habits: Habits = Habits()
    sources: tuple[str, ...] = ("127.0.0.1",)
    """The addresses that visitors come from, used equally often."""
    timeout_seconds: float = 10.0
    """How long a request may take from the moment it is begun."""
    seed: int = 1
    """Two plans with the same seed send the same requests in the same order."""

    def __post_init__(self) -> None:
        if not self.kinds or not self.sources:
            raise ValueError("a load plan needs at least one kind of request and one source")
        if min(self.rate_per_second, self.duration_seconds, self.timeout_seconds) <= 0:
            raise ValueError("rate, duration and timeout must be positive")


# The schedule: which request is due when. It is fixed before the first one is sent, so no answer can delay it.


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
