"""The budget: how many instances more than desired a replacement may use at once."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Budget:
    """The larger of a count and a share of the fleet, and never less than one."""

    count: int = 1
    share: float = 0.25

    def size(self, desired: int) -> int:
        """Return the budget of a fleet of `desired` instances."""
        return max(1, self.count, int(self.share * desired))
