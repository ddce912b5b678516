"""The pages: reports and notices -> HTML. Whatever comes from outside is escaped."""

from __future__ import annotations

from functools import partial

from jinja2 import Environment, PackageLoader, StrictUndefined

from handshake.control.journal import JournalRecord
from handshake.control.status import StatusReport
from handshake.core.digest import short
from handshake.web.headline import compose_headline
from handshake.web.matrix import arrange_matrix
from handshake.web.moment import print_age, print_clock, print_iso
from handshake.web.mood import Mood, judge_fleet, judge_subject
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
    return _ENVIRONMENT.get_template("notice.html").render(notice=notice, mood=Mood.REFUSED)
