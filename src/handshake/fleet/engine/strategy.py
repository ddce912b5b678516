"""Strategies: how a target that passed its trial takes over the fleet."""

from __future__ import annotations

import math
from dataclasses import dataclass
from enum import StrEnum

from handshake.fleet.instance import Generation

_MOST = 25
"""Both sides are launched in one transaction, which holds 64 operations."""


class Strategy(StrEnum):
    """How a fleet is replaced."""

    ROLLING = "rolling"
    """A few at a time."""
    BLUE_GREEN = "blue-green"
    """A whole new fleet beside the old one, one switch of the pools, and the old one kept warm for a while."""
    CANARY = "canary"
    """A share first, compared with a fresh baseline of the same size and age; then a few at a time."""


@dataclass(frozen=True, kw_only=True)
class CanarySettings:
    """The size of a canary and the data needed to judge it."""

    share: float = 0.1
    """Of the fleet; at least one instance."""
    requests: int = 500
    """The number of answers needed from each side."""
    seconds: float = 60.0
    """How long both sides must have served."""
    significance: float = 0.01
    """The significance level of a difference."""
    latency_margin: float = 0.05
    """How much likelier a slower answer must be than a faster one, so that imperceptible differences do not count."""

    def size(self, desired: int) -> int:
        """Return the number of canaries of a fleet of `desired` instances; the baseline has as many."""
        return min(_MOST, max(1, math.ceil(round(self.share * desired, 6))))


@dataclass(frozen=True, kw_only=True)
class Warm:
    """The generation that left the pools and still runs, so that a rollback needs no launch."""

    generation: Generation
    until: float


@dataclass(frozen=True, kw_only=True)
class Canary:
    """The target that is being compared with the stable generation."""

    generation: Generation
    begun_at: float
