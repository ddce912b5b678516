"""The pages: turns reports and notices into HTML. All external text is escaped."""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial

from jinja2 import Environment, PackageLoader, StrictUndefined

from handshake.campaign.status import PlaceCell, StatusReport, SubjectRow
from handshake.catalog.journal import JournalRecord
from handshake.core.digest import short
from handshake.core.times import print_age, print_clock, print_iso
from handshake.pointers.acks import Role
from handshake.web.headline import Settlement, compose_headline, judge_fleet, judge_subject
from handshake.web.notice import Notice

JOURNAL_LINES = 20


def _build_environment() -> Environment:
    environment = Environment(
        loader=PackageLoader("handshake.web"),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters.update(
        short=short,
        iso=print_iso,
        sentence=_begin_sentence,
        subject_mood=judge_subject,
        fleet_mood=judge_fleet,
    )
    return environment


def _begin_sentence(text: str) -> str:
    """Return text with its first letter large; unlike Jinja's own filter it leaves the others as they are."""
    return text[:1].upper() + text[1:]


_ENVIRONMENT = _build_environment()


def render_board(report: StatusReport, journal: tuple[JournalRecord, ...]) -> str:
    """Return the page that shows the state of your state; ages count from the report's own moment."""
    return _ENVIRONMENT.get_template("board.html").render(
        report=report,
        headline=compose_headline(report),
        matrix=arrange_matrix(report.subjects),
        journal=journal[:JOURNAL_LINES],
        age=partial(print_age, now=report.at),
        clock=partial(print_clock, now=report.at),
    )


def render_notice(notice: Notice) -> str:
    """Return the page that stands where a report cannot."""
    return _ENVIRONMENT.get_template("notice.html").render(notice=notice, mood=Settlement.REFUSED)


# The matrix: subjects down, places across.

_ROLES = tuple(Role)


@dataclass(frozen=True, kw_only=True)
class MatrixRow:
    """One subject and, for each column, the state at that place; None if the place does not serve the subject."""

    subject: SubjectRow
    cells: tuple[PlaceCell | None, ...]


@dataclass(frozen=True, kw_only=True)
class PointerTable:
    """A table with one column for each place that serves any of the subjects."""

    places: tuple[str, ...]
    rows: tuple[MatrixRow, ...]


def arrange_matrix(subjects: tuple[SubjectRow, ...]) -> PointerTable:
    """Return the subjects with their places in one order, the way a request travels."""
    places = tuple(sorted({cell.place for row in subjects for cell in row.places}, key=_travel_order))
    return PointerTable(places=places, rows=tuple(_align(row, places) for row in subjects))


def _align(row: SubjectRow, places: tuple[str, ...]) -> MatrixRow:
    said = {cell.place: cell for cell in row.places}
    return MatrixRow(subject=row, cells=tuple(said.get(place) for place in places))


def _travel_order(place: str) -> tuple[str, int, str]:
    """Return a sort key: node by node, and within one from the ingress inwards; a vendor's place is a node of its own."""
    role, _, node = place.partition("@")
    depth = next((depth for depth, known in enumerate(_ROLES) if known == role), len(_ROLES))
    return (node, depth, role)
