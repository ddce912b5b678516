"""Plans: what one call of the engine decides."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.core.outcome import Outcome
from handshake.core.step import Step
from handshake.fleet.state import Member, Rollout, Stage


@dataclass(frozen=True, kw_only=True)
class Plan:
    """Steps to apply in order, the record to keep before the first of them, and the sentence to journal.

    The record comes first: a leader that dies between the two repeats a step, it never forgets a decision.
    """

    steps: tuple[Step, ...]
    rollout: Rollout
    outcome: Outcome


@dataclass(frozen=True, kw_only=True)
class Decision:
    """What one rule makes of a fleet."""

    stage: Stage
    reason: str
    rollout: Rollout
    steps: tuple[Step, ...] = ()
    witness: Member | None = None
    """The member that the reason is about, if its last probe says more."""
