"""Strategies: the ways in which a target that passed its trial takes over the fleet."""

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
    """A whole new fleet beside the old one, one step of the pools, and the old one kept warm for a while."""
    CANARY = "canary"
    """A share first, judged against a fresh baseline of the same size and age; then a few at a time."""


@dataclass(frozen=True, kw_only=True)
class CanarySettings:
    """How large a canary is and what it takes to judge it."""

    share: float = 0.1
    """Of the fleet; at least one instance."""
    requests: int = 500
    """How many answers each side must have given; fewer decide nothing."""
    seconds: float = 60.0
    """How long both sides must have served; less decides nothing."""
    significance: float = 0.01
    """How unlikely a difference must be, if there were none, to be believed."""
    latency_margin: float = 0.05
    """A slower answer must be so much likelier than a faster one: what nobody would notice is no reason."""

    def size(self, desired: int) -> int:
        """Return the number of canaries of a fleet of `desired` instances; the baseline has as many."""
        return min(_MOST, max(1, math.ceil(round(self.share * desired, 6))))


@dataclass(frozen=True, kw_only=True)
class Warm:
    """The generation that left the pools and still runs, so that going back to it needs no launch."""

    generation: Generation
    until: float


@dataclass(frozen=True, kw_only=True)
class Canary:
    """The target that is being compared with the stable generation."""

    generation: Generation
    begun_at: float
