"""Deadlines on a monotonic clock, in memory: a restart starts each one anew, so that it never ends anything by itself."""

from __future__ import annotations

from enum import Enum, auto


class Timer(Enum):
    """What a deadline is about."""

    SESSION = auto()
    """A session ends unless renewed."""
    CHECK = auto()
    """A check turns critical unless reported."""
    CRITICAL = auto()
    """A service is deregistered unless its check recovers."""
    LOCK_DELAY = auto()
    """A key may not be locked before."""


class Deadlines:
    """When each timer of each thing runs out. Used by the writer thread alone."""

    def __init__(self) -> None:
        self._due: dict[tuple[Timer, str], float] = {}

    def copy(self) -> Deadlines:
        """Return the deadlines as they are now, to go back to when a change is undone."""
        twin = Deadlines()
        twin._due = dict(self._due)
        return twin

    def set(self, timer: Timer, name: str, due: float) -> None:
        """Let the timer of `name` run out at `due`, whenever it would have before."""
        self._due[timer, name] = due

    def drop(self, timer: Timer, name: str) -> None:
        """Forget the timer of `name`, if there is one."""
        self._due.pop((timer, name), None)

    def is_running(self, timer: Timer, name: str, now: float) -> bool:
        """Return whether the timer of `name` was set and has not run out."""
        return self._due.get((timer, name), now) > now

    def take_due(self, now: float) -> list[tuple[Timer, str]]:
        """Remove and return what has run out, oldest first."""
        due = sorted((key for key, at in self._due.items() if at <= now), key=self._due.__getitem__)
        for key in due:
            del self._due[key]
        return due
