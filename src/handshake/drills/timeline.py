"""The timeline: what became of requests before and after each thing that was done under load."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from handshake.drills.load_run import LoadReport, Mark
from handshake.drills.result import Result
from handshake.drills.summary import Span, Summary, summarise

FIRST_PHASE = "start"
"""The name of the phase before the first mark."""


@dataclass(frozen=True, kw_only=True)
class Phase:
    """What happened from one mark to the next. A request belongs to the phase in which it ended."""

    name: str
    summary: Summary


def phases(report: LoadReport) -> tuple[Phase, ...]:
    """Divide a load at its marks. Every request is in exactly one phase."""
    begun = Mark(name=FIRST_PHASE, at=report.record.beginning.began_at)
    marks = [begun, *sorted(report.marks, key=lambda mark: mark.at)]
    ends = [*(mark.at for mark in marks[1:]), max(report.record.ending.ended_at, marks[-1].at)]
    shares = _divide(report.record.results, marks)
    return tuple(
        Phase(
            name=mark.name,
            summary=summarise(results, Span(began_at=mark.at, ended_at=end), report.plan.rate_per_second),
        )
        for mark, end, results in zip(marks, ends, shares, strict=True)
    )


def _divide(results: Iterable[Result], marks: Sequence[Mark]) -> list[list[Result]]:
    moments = [mark.at for mark in marks]
    shares: list[list[Result]] = [[] for _ in marks]
    for result in results:
        shares[max(0, bisect_right(moments, result.ended_at) - 1)].append(result)
    return shares
