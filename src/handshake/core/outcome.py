"""An outcome: the one sentence in which every cycle ends."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a cycle did and why."""

    sentence: str
    changed: bool
    """Whether the world is another one now: such outcomes are journalled, the others only logged."""
    is_waiting: bool = False
    """Whether the world is on its way to where it should be, so that a look soon is worth its price."""
