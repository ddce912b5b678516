"""Counters, as every room sees them."""

from __future__ import annotations

from typing import Protocol


class Counters(Protocol):
    """Counts things that happened; never fails and never waits."""

    def increment(self, name: str) -> None:
        """Add one to a counter."""
        ...
