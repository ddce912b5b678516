"""Holds: an operator's word that a service's fleet is left as it is, for a time or until taken back."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Who paused a service's rollouts, why, and for how long."""

    service: str
    owner: str
    reason: str
    since: float
    """UTC, seconds since the epoch."""
    until: float | None
    """When it ends by itself; None: only by being taken back."""

    def is_active(self, now: float) -> bool:
        """Tell whether it holds at a moment."""
        return self.until is None or now < self.until
