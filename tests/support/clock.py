"""A clock that moves when it is told to."""

from __future__ import annotations


class FakeClock:
    """Time stands still until somebody sleeps or advances it."""

    def __init__(self, now: float = 1_000_000.0) -> None:
        self._now = now

    def now(self) -> float:
        """Return the time it was set to."""
        return self._now

    def monotonic(self) -> float:
        """Return the same: this clock never jumps."""
        return self._now

    def sleep(self, seconds: float) -> None:
        """Move time on at once."""
        self._now += seconds

    def advance(self, seconds: float) -> None:
        """Move time on."""
        self._now += seconds
