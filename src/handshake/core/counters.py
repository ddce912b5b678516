"""Counters, as all features see them."""

from __future__ import annotations

from typing import Protocol


class Counters(Protocol):
    """Counts events; never fails and never blocks."""

    def increment(self, name: str) -> None:
        """Add one to a counter."""
        ...
