"""An outcome: the sentence with which every cycle ends."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """What a cycle did and why."""

    sentence: str
    changed: bool
    """Whether the cycle changed anything: such outcomes go to the journal, the others only to the log."""
    is_waiting: bool = False
    """Whether a change is still under way, so that the next cycle should come soon."""
