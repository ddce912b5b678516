"""Summaries of a load: percentiles, phases, and their printed form."""

from __future__ import annotations

import math
from bisect import bisect_right
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from itertools import pairwise

from rich.table import Table

from handshake.catalog.codec import encode
from handshake.drills.load_run import LoadMark, LoadReport
from handshake.drills.requests import Failure, RequestResult


@dataclass(frozen=True, kw_only=True)
class Span:
    """An interval of the machine's monotonic clock."""

    began_at: float
    ended_at: float

    @property
    def seconds(self) -> float:
        """How long it is."""
        return self.ended_at - self.began_at

    def holds(self, moment: float) -> bool:
        """Whether a moment lies in it; its end belongs to the next one."""
        return self.began_at <= moment < self.ended_at


@dataclass(frozen=True, kw_only=True)
class Latency:
    """How long visitors waited, for an answer or for a failure, in seconds."""

    p50: float
    p95: float
    p99: float
    longest: float


@dataclass(frozen=True, kw_only=True)
class Summary:
    """The summary of a load, or of one kind or phase of it."""

    span: Span
    requests: int
    failures: Mapping[Failure, int]
    """How many failed of what; failures that did not occur are left out."""
    latency: Latency
    asked_per_second: float
    achieved_per_second: float
    """Good answers that came within the span, by its length."""
    longest_pause_seconds: float
    """The longest stretch of the span without a good answer."""
    latest_start_seconds: float
    """The load's own worst delay: if this is not small, the numbers reflect the load's machine."""

    @property
    def failed(self) -> int:
        """How many requests failed."""
        return sum(self.failures.values())


def summarise_load(report: LoadReport) -> Summary:
    """Summarise a whole load."""
    return summarise(report.record.results, _whole(report), report.plan.rate_per_second)


def summarise_kinds(report: LoadReport) -> dict[str, Summary]:
    """Summarise each kind of request by itself, in the plan's order."""
    plan, span = report.plan, _whole(report)
    weights = sum(kind.weight for kind in plan.kinds)
    results: defaultdict[str, list[RequestResult]] = defaultdict(list)
    for result in report.record.results:
        results[result.kind].append(result)
    return {
        kind.name: summarise(results[kind.name], span, plan.rate_per_second * kind.weight / weights)
        for kind in plan.kinds
    }


def summarise(results: Sequence[RequestResult], span: Span, asked_per_second: float) -> Summary:
    """Summarise results that belong to a span; each counts, those that ended after it too."""
    good = sorted(result.ended_at for result in results if result.is_good and span.holds(result.ended_at))
    failures = Counter(result.failure for result in results if not result.is_good)
    return Summary(
        span=span,
        requests=len(results),
        failures=dict(sorted(failures.items())),
        latency=_measure(results),
        asked_per_second=asked_per_second,
        achieved_per_second=len(good) / span.seconds if span.seconds else 0.0,
        longest_pause_seconds=_longest_gap([span.began_at, *good, span.ended_at]),
        latest_start_seconds=max((result.late_seconds for result in results), default=0.0),
    )


def _whole(report: LoadReport) -> Span:
    record = report.record
    return Span(began_at=record.beginning.began_at, ended_at=record.ending.ended_at)


def _measure(results: Sequence[RequestResult]) -> Latency:
    ordered = sorted(result.latency_seconds for result in results)
    p50, p95, p99, longest = (percentile(ordered, percent) for percent in (50, 95, 99, 100))
    return Latency(p50=p50, p95=p95, p99=p99, longest=longest)


def _longest_gap(moments: Iterable[float]) -> float:
    return max(later - earlier for earlier, later in pairwise(moments))


# Percentiles, exact: a value that was measured, never one between two.


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile of values in ascending order: the smallest that `percent` do not exceed.

    0.0 if there are no values. ValueError for a percentage outside of 0 to 100.
    """
    if not 0 <= percent <= 100:  # noqa: PLR2004 -- a percentage
        raise ValueError(f"{percent} is not a percentage")
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]


# The timeline: the result of requests before and after each thing that was done under load.

FIRST_PHASE = "start"
"""The name of the phase before the first mark."""


@dataclass(frozen=True, kw_only=True)
class TimelinePhase:
    """What happened between two marks. A request belongs to the phase in which it ended."""

    name: str
    summary: Summary


def phases(report: LoadReport) -> tuple[TimelinePhase, ...]:
    """Divide a load at its marks. Every request is in exactly one phase."""
    begun = LoadMark(name=FIRST_PHASE, at=report.record.beginning.began_at)
    marks = [begun, *sorted(report.marks, key=lambda mark: mark.at)]
    ends = [*(mark.at for mark in marks[1:]), max(report.record.ending.ended_at, marks[-1].at)]
    shares = _divide(report.record.results, marks)
    return tuple(
        TimelinePhase(
            name=mark.name,
            summary=summarise(results, Span(began_at=mark.at, ended_at=end), report.plan.rate_per_second),
        )
        for mark, end, results in zip(marks, ends, shares, strict=True)
    )


def _divide(results: Iterable[RequestResult], marks: Sequence[LoadMark]) -> list[list[RequestResult]]:
    moments = [mark.at for mark in marks]
    shares: list[list[RequestResult]] = [[] for _ in marks]
    for result in results:
        shares[max(0, bisect_right(moments, result.ended_at) - 1)].append(result)
    return shares


# Summaries in print: a table for people, lines of JSON for programs.

MILLISECONDS = 1000


class Scope(StrEnum):
    """Which part of a load a row is about."""

    KIND = "kind"
    TOTAL = "total"
    PHASE = "phase"


@dataclass(frozen=True, kw_only=True)
class SummaryRow:
    """One line of print."""

    scope: Scope
    name: str
    summary: Summary


def rows(report: LoadReport) -> tuple[SummaryRow, ...]:
    """Return each kind, the total and, where something was marked, each phase."""
    kinds = [
        SummaryRow(scope=Scope.KIND, name=name, summary=its) for name, its in summarise_kinds(report).items()
    ]
    total = SummaryRow(scope=Scope.TOTAL, name="all", summary=summarise_load(report))
    divided = phases(report) if report.marks else ()
    return (
        *kinds,
        total,
        *(SummaryRow(scope=Scope.PHASE, name=phase.name, summary=phase.summary) for phase in divided),
    )


def print_lines(report: LoadReport) -> Iterator[str]:
    """Print a line of JSON for each row."""
    return (encode(row).decode() for row in rows(report))


def print_table(report: LoadReport) -> Table:
    """Print a table: what was sent, what failed of what, how long visitors waited."""
    table = Table("part", "of", box=None, pad_edge=False)
    for heading in ("requests", "failed", "p50", "p95", "p99", "longest ms", "per second", "pause ms"):
        table.add_column(heading, justify="right")
    for row in rows(report):
        table.add_row(row.scope, row.name, *_cells(row.summary))
    return table


def print_failures(report: LoadReport, *, most: int = 10) -> Iterator[str]:
    """Print the most frequent failures in the client's own words, a line each."""
    failed = (result for result in report.record.results if not result.is_good)
    counts = Counter((result.kind, result.failure, result.detail) for result in failed)
    for (kind, failure, detail), count in counts.most_common(most):
        yield f"{count} x {kind}: {failure}: {detail}"


def _cells(summary: Summary) -> tuple[str, ...]:
    latency = summary.latency
    failures = ", ".join(f"{count} {failure}" for failure, count in summary.failures.items())
    return (
        f"{summary.requests:,}",
        failures or "0",
        *(_milliseconds(seconds) for seconds in (latency.p50, latency.p95, latency.p99, latency.longest)),
        f"{summary.achieved_per_second:,.0f} of {summary.asked_per_second:,.0f}",
        _milliseconds(summary.longest_pause_seconds),
    )


def _milliseconds(seconds: float) -> str:
    return f"{seconds * MILLISECONDS:,.1f}"
