"""The comparison of a canary with its baseline: the one file that knows statistics."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from handshake.fleet.sample import Sample
from handshake.fleet.strategy import CanarySettings


class Finding(StrEnum):
    """What a comparison says. No data says nothing, and that is never a pass."""

    NO_WORSE = "no worse"
    WORSE = "worse"
    TOO_LITTLE = "too little"


@dataclass(frozen=True, kw_only=True)
class Judgement:
    """A finding, and the numbers that it rests on in one sentence."""

    finding: Finding
    why: str


def compare(canary: Sample, baseline: Sample, settings: CanarySettings) -> Judgement:
    """Tell whether a canary answers worse than its baseline: more errors, or slower.

    Errors are compared by Fisher's exact test, latencies by the rank test of Mann and Whitney, each one-sided
    and each once there is enough on both sides, so that looking again does not make a difference likelier.
    """
    for name, side in (("canary", canary), ("baseline", baseline)):
        if side.requests < settings.requests:
            lack = f"{side.requests} of {settings.requests} requests"
            return Judgement(finding=Finding.TOO_LITTLE, why=f"the {name} has answered {lack}")
    errors = _compare_errors(canary, baseline, settings)
    return (
        errors if errors.finding is Finding.WORSE else _compare_latencies(canary, baseline, settings, errors)
    )


def _compare_errors(canary: Sample, baseline: Sample, settings: CanarySettings) -> Judgement:
    why = f"{_print_errors(canary)} of the canary's requests failed, {_print_errors(baseline)} of the baseline's"
    chance = _chance_of_errors(canary, baseline)
    finding = Finding.WORSE if chance < settings.significance else Finding.NO_WORSE
    return Judgement(finding=finding, why=why)


def _compare_latencies(
    canary: Sample, baseline: Sample, settings: CanarySettings, errors: Judgement
) -> Judgement:
    least = settings.requests // 2
    if min(canary.answered, baseline.answered) < least:
        return Judgement(
            finding=Finding.TOO_LITTLE, why=f"{errors.why}: too few answers to compare latencies"
        )
    likelihood, chance = _chance_of_latencies(canary, baseline)
    why = f"{errors.why}; the canary is the slower one of {likelihood:.0%} of all pairs of answers"
    is_slower = chance < settings.significance and likelihood > 0.5 + settings.latency_margin
    return Judgement(finding=Finding.WORSE if is_slower else Finding.NO_WORSE, why=why)


def _chance_of_errors(canary: Sample, baseline: Sample) -> float:
    """Return how likely so many errors more would be if both were the same."""
    from scipy import stats  # type: ignore[import-untyped]  # noqa: PLC0415 -- it takes a second and 90 MB: only where a canary is judged

    table = [[side.errors, side.requests - side.errors] for side in (canary, baseline)]
    return float(stats.fisher_exact(table, alternative="greater").pvalue)


def _chance_of_latencies(canary: Sample, baseline: Sample) -> tuple[float, float]:
    """Return how often the canary is the slower one of a pair, and how likely that would be if both were the same."""
    from scipy import stats  # noqa: PLC0415 -- as above

    sides = [_spread(canary), _spread(baseline)]
    test = stats.mannwhitneyu(*sides, alternative="greater", method="asymptotic")
    return float(test.statistic) / (len(sides[0]) * len(sides[1])), float(test.pvalue)


def _spread(sample: Sample) -> list[int]:
    return [latency for latency, count in sample.latencies for _ in range(count)]


def _print_errors(sample: Sample) -> str:
    return f"{sample.errors / sample.requests:.2%}"
