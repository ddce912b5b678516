"""The headline: one sentence that sums up the page."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from handshake.campaign.status import FleetRow, PlaceCell, PlaceState, StatusReport, SubjectRow
from handshake.fleet.engine.state import Stage

# Mood: what a reader must know of a thing before reading it.


class Settlement(StrEnum):
    """All is well, wait, or act."""

    SETTLED = "settled"
    MOVING = "moving"
    REFUSED = "refused"


_STAGES = {
    Stage.SETTLED: Settlement.SETTLED,
    Stage.FROZEN: Settlement.REFUSED,
    Stage.STUCK: Settlement.REFUSED,
}


def judge_subject(row: SubjectRow) -> Settlement:
    """Return the mood of one pointer: a refusal outweighs every place that serves."""
    states = {cell.state for cell in row.places}
    if PlaceState.REFUSES in states:
        return Settlement.REFUSED
    return Settlement.SETTLED if row.is_stable and PlaceState.WAITS not in states else Settlement.MOVING


def judge_fleet(row: FleetRow) -> Settlement:
    """Return the mood of one fleet, by its rollout's stage; a stage that is not known here moves."""
    return next((mood for stage, mood in _STAGES.items() if stage == row.stage), Settlement.MOVING)


@dataclass(frozen=True, kw_only=True)
class StatusHeadline:
    """The sentence and its details, most important first."""

    mood: Settlement
    sentence: str
    details: tuple[str, ...] = ()


def compose_headline(report: StatusReport) -> StatusHeadline:
    """Return the sentence: what is refused, else what is on its way, else that all is settled."""
    if troubles := (*_list_refusals(report), *_list_halted_fleets(report)):
        return _describe_troubles(troubles)
    if moving := tuple(row for row in report.subjects if judge_subject(row) is Settlement.MOVING):
        return _describe_moving(moving)
    if fleets := tuple(row for row in report.fleets if judge_fleet(row) is Settlement.MOVING):
        return _describe_moving_fleets(fleets)
    return _describe_rest(report)


def _list_refusals(report: StatusReport) -> tuple[tuple[str, str], ...]:
    """Return what is refused, each with its reason."""
    return tuple(
        (f"{cell.place} refuses {row.subject} r{row.revision}", _explain_refusal(cell))
        for row in report.subjects
        for cell in row.places
        if cell.state is PlaceState.REFUSES
    )


def _explain_refusal(cell: PlaceCell) -> str:
    serving = f"It still serves r{cell.revision}" if cell.revision else "It does not serve it yet"
    return f"{cell.said}. {serving}."


def _list_halted_fleets(report: StatusReport) -> tuple[tuple[str, str], ...]:
    return tuple(
        (f"{row.service} is {row.stage}", row.sentence)
        for row in report.fleets
        if judge_fleet(row) is Settlement.REFUSED
    )


def _describe_troubles(troubles: tuple[tuple[str, str], ...]) -> StatusHeadline:
    (first, why), *others = troubles
    more = f", and {len(others)} more" if others else ""
    return StatusHeadline(
        mood=Settlement.REFUSED,
        sentence=f"{first}{more}",
        details=(why, *(f"{what}: {reason}" for what, reason in others)),
    )


def _describe_moving(rows: tuple[SubjectRow, ...]) -> StatusHeadline:
    sentence = (
        f"{rows[0].subject} is being rolled out"
        if len(rows) == 1
        else f"{len(rows)} subjects are being rolled out"
    )
    return StatusHeadline(
        mood=Settlement.MOVING, sentence=sentence, details=tuple(map(_explain_moving, rows))
    )


def _explain_moving(row: SubjectRow) -> str:
    waiting = [cell.place for cell in row.places if cell.state is PlaceState.WAITS]
    lack = (
        f"waits for {', '.join(waiting)}" if waiting else "is served by every place, but has not settled yet"
    )
    return f"{row.subject} r{row.revision} {lack}"


def _describe_moving_fleets(rows: tuple[FleetRow, ...]) -> StatusHeadline:
    return StatusHeadline(
        mood=Settlement.MOVING,
        sentence=", ".join(f"{row.service}: {row.stage}" for row in rows),
        details=tuple(row.sentence for row in rows if row.sentence),
    )


def _describe_rest(report: StatusReport) -> StatusHeadline:
    """Tell what is left when nothing is refused and nothing moves."""
    if not report.subjects:
        return StatusHeadline(
            mood=Settlement.MOVING, sentence="Nothing is live yet", details=("No pointer has been set.",)
        )
    if not report.is_settled:
        return StatusHeadline(mood=Settlement.MOVING, sentence="Not settled yet")
    if not report.leader:
        why = "Everything keeps serving; rollouts wait until a control process leads again."
        return StatusHeadline(
            mood=Settlement.MOVING, sentence="All settled, but there is no leader", details=(why,)
        )
    return StatusHeadline(
        mood=Settlement.SETTLED,
        sentence="All settled",
        details=("Every place serves what its pointer names.",),
    )
