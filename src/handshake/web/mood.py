"""Mood: what a reader must know of a thing before reading it."""

from __future__ import annotations

from enum import StrEnum

from handshake.control.status import FleetRow, PlaceState, SubjectRow
from handshake.fleet.state import Stage


class Mood(StrEnum):
    """Go back to sleep, wait, or act."""

    SETTLED = "settled"
    MOVING = "moving"
    REFUSED = "refused"


_STAGES = {
    Stage.SETTLED: Mood.SETTLED,
    Stage.FROZEN: Mood.REFUSED,
    Stage.STUCK: Mood.REFUSED,
}


def judge_subject(row: SubjectRow) -> Mood:
    """Return the mood of one pointer: a refusal outweighs every place that serves."""
    states = {cell.state for cell in row.places}
    if PlaceState.REFUSES in states:
        return Mood.REFUSED
    return Mood.SETTLED if row.is_stable and PlaceState.WAITS not in states else Mood.MOVING


def judge_fleet(row: FleetRow) -> Mood:
    """Return the mood of one fleet, by its rollout's stage; a stage that is not known here moves."""
    return next((mood for stage, mood in _STAGES.items() if stage == row.stage), Mood.MOVING)
