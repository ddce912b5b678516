"""Canary analysis: samples of instances' answers, and the comparison of a canary with its baseline."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from handshake.fleet.engine.strategy import CanarySettings

_PER_DOUBLING = 8
"""Latency bins per doubling: a bin is 9 % wide."""


@dataclass(frozen=True, kw_only=True)
class CanarySample:
    """The answers of one instance since its launch, or of several together."""

    instance: str = ""
    """Empty if it stands for several."""
    requests: int = 0
    errors: int = 0
    """Answers with status 500 and above, and requests without an answer."""
    latencies: tuple[tuple[int, int], ...] = ()
    """Latency bins with the number of successful answers in each; sorted."""

    @property
    def answered(self) -> int:
        """How many answers were no errors."""
        return sum(count for _, count in self.latencies)


def bin_latency(milliseconds: float) -> int:
    """Return the bin of a latency; a longer one is never in a lower bin."""
    return round(_PER_DOUBLING * math.log2(max(milliseconds, 0.0) + 1.0))


def add_up(samples: Iterable[CanarySample]) -> CanarySample:
    """Return one sample for several."""
    parts = tuple(samples)
    latencies: Counter[int] = Counter()
    for part in parts:
        latencies.update(dict(part.latencies))
    return CanarySample(
        requests=sum(part.requests for part in parts),
        errors=sum(part.errors for part in parts),
        latencies=tuple(sorted(latencies.items())),
    )


# The comparison of a canary with its baseline: the one file that knows statistics.


class CanaryVerdict(StrEnum):
    """The result of a comparison. Too little data is never a pass."""

    NO_WORSE = "no worse"
    WORSE = "worse"
    TOO_LITTLE = "too little"


@dataclass(frozen=True, kw_only=True)
class CanaryJudgement:
    """A result, and the numbers behind it in one sentence."""

    finding: CanaryVerdict
    why: str


def compare(canary: CanarySample, baseline: CanarySample, settings: CanarySettings) -> CanaryJudgement:
    """Return whether a canary answers worse than its baseline: more errors, or slower.

    Errors are compared by Fisher's exact test, latencies by the rank test of Mann and Whitney, each one-sided
    and each once there is enough on both sides, so that looking again does not make a difference likelier.
    """
    for name, side in (("canary", canary), ("baseline", baseline)):
        if side.requests < settings.requests:
            lack = f"{side.requests} of {settings.requests} requests"
            return CanaryJudgement(finding=CanaryVerdict.TOO_LITTLE, why=f"the {name} has answered {lack}")
    errors = _compare_errors(canary, baseline, settings)
    return (
        errors
        if errors.finding is CanaryVerdict.WORSE
        else _compare_latencies(canary, baseline, settings, errors)
    )


def _compare_errors(
    canary: CanarySample, baseline: CanarySample, settings: CanarySettings
) -> CanaryJudgement:
    why = f"{_print_errors(canary)} of the canary's requests failed, {_print_errors(baseline)} of the baseline's"
    chance = _chance_of_errors(canary, baseline)
    finding = CanaryVerdict.WORSE if chance < settings.significance else CanaryVerdict.NO_WORSE
    return CanaryJudgement(finding=finding, why=why)


def _compare_latencies(
    canary: CanarySample, baseline: CanarySample, settings: CanarySettings, errors: CanaryJudgement
) -> CanaryJudgement:
    least = settings.requests // 2
    if min(canary.answered, baseline.answered) < least:
        return CanaryJudgement(
            finding=CanaryVerdict.TOO_LITTLE, why=f"{errors.why}: too few answers to compare latencies"
        )
    likelihood, chance = _chance_of_latencies(canary, baseline)
    why = f"{errors.why}; the canary is the slower one of {likelihood:.0%} of all pairs of answers"
    is_slower = chance < settings.significance and likelihood > 0.5 + settings.latency_margin
    return CanaryJudgement(finding=CanaryVerdict.WORSE if is_slower else CanaryVerdict.NO_WORSE, why=why)


def _chance_of_errors(canary: CanarySample, baseline: CanarySample) -> float:
    """Return how likely so many errors more would be if both were the same."""
    from scipy import stats  # type: ignore[import-untyped]  # noqa: PLC0415 -- it takes a second and 90 MB: only where a canary is judged

    table = [[side.errors, side.requests - side.errors] for side in (canary, baseline)]
    return float(stats.fisher_exact(table, alternative="greater").pvalue)


def _chance_of_latencies(canary: CanarySample, baseline: CanarySample) -> tuple[float, float]:
    """Return how often the canary is the slower one of a pair, and how likely that would be if both were the same."""
    from scipy import stats  # noqa: PLC0415 -- as above

    sides = [_spread(canary), _spread(baseline)]
    test = stats.mannwhitneyu(*sides, alternative="greater", method="asymptotic")
    return float(test.statistic) / (len(sides[0]) * len(sides[1])), float(test.pvalue)


def _spread(sample: CanarySample) -> list[int]:
    return [latency for latency, count in sample.latencies for _ in range(count)]


def _print_errors(sample: CanarySample) -> str:
    return f"{sample.errors / sample.requests:.2%}"
