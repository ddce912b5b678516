"""How long an entry stays where nobody says: longer each time."""

from __future__ import annotations

STEPS = (600.0, 3600.0, 86_400.0, 604_800.0)
"""10 minutes, 1 hour, 24 hours, 7 days; the last one from then on. Nothing is for good without being asked."""


def step_seconds(strikes: int) -> float:
    """Return how long an entry stays that was listed so many times before."""
    return STEPS[min(strikes, len(STEPS) - 1)]
