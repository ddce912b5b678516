"""A load plan: how much of what is sent where, by whom and for how long. Data only, so it fits through a pipe."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from handshake.drills.request_kind import RequestKind
from handshake.drills.target import Target


class Habit(StrEnum):
    """What a visitor does with the connection of a request."""

    KEEP = "keep"
    """Takes one that is open, and leaves it open for whoever comes next."""
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
            raise ValueError("the weights of habits are not negative, and one is positive")


@dataclass(frozen=True, kw_only=True)
class LoadPlan:
    """What to send."""

    target: Target
    kinds: tuple[RequestKind, ...]
    rate_per_second: float
    duration_seconds: float
    habits: Habits = Habits()
    sources: tuple[str, ...] = ("127.0.0.1",)
    """The addresses that visitors come from, each as often as the others."""
    timeout_seconds: float = 10.0
    """How long a request may take from the moment it is begun."""
    seed: int = 1
    """Two plans of one seed ask for the same things in the same order."""

    def __post_init__(self) -> None:
        if not self.kinds or not self.sources:
            raise ValueError("a load plan has at least one kind of request and one source")
        if min(self.rate_per_second, self.duration_seconds, self.timeout_seconds) <= 0:
            raise ValueError("rate, duration and timeout are positive")
