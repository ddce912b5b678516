"""Summaries in print: a table for people, lines of JSON for programs."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from rich.table import Table

from handshake.catalog.codec import encode
from handshake.drills.load_run import LoadReport
from handshake.drills.summary import Summary, summarise_kinds, summarise_load
from handshake.drills.timeline import phases

MILLISECONDS = 1000


class Scope(StrEnum):
    """Which part of a load a row is about."""

    KIND = "kind"
    TOTAL = "total"
    PHASE = "phase"


@dataclass(frozen=True, kw_only=True)
class Row:
    """One line of print."""

    scope: Scope
    name: str
    summary: Summary


def rows(report: LoadReport) -> tuple[Row, ...]:
    """Return each kind, the total and, where something was marked, each phase."""
    kinds = [Row(scope=Scope.KIND, name=name, summary=its) for name, its in summarise_kinds(report).items()]
    total = Row(scope=Scope.TOTAL, name="all", summary=summarise_load(report))
    divided = phases(report) if report.marks else ()
    return (
        *kinds,
        total,
        *(Row(scope=Scope.PHASE, name=phase.name, summary=phase.summary) for phase in divided),
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
