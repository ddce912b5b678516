"""Summaries: many results in a few numbers."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from handshake.drills.load_run import LoadReport
from handshake.drills.percentile import percentile
from handshake.drills.result import Failure, Result


@dataclass(frozen=True, kw_only=True)
class Span:
    """A stretch of the machine's monotonic clock."""

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
    """A load, or the part of it that is of one kind or from one phase."""

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
    """How late the load itself was at worst: if this is not small, the numbers tell of the load's machine."""

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
    results: defaultdict[str, list[Result]] = defaultdict(list)
    for result in report.record.results:
        results[result.kind].append(result)
    return {
        kind.name: summarise(results[kind.name], span, plan.rate_per_second * kind.weight / weights)
        for kind in plan.kinds
    }


def summarise(results: Sequence[Result], span: Span, asked_per_second: float) -> Summary:
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


def _measure(results: Sequence[Result]) -> Latency:
    ordered = sorted(result.latency_seconds for result in results)
    p50, p95, p99, longest = (percentile(ordered, percent) for percent in (50, 95, 99, 100))
    return Latency(p50=p50, p95=p95, p99=p99, longest=longest)


def _longest_gap(moments: Iterable[float]) -> float:
    return max(later - earlier for earlier, later in pairwise(moments))
