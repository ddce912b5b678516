"""The comparison of a canary with its baseline: it never passes without data, and a worse canary always fails."""

from __future__ import annotations

import random

from hypothesis import given, settings
from hypothesis import strategies as st

from handshake.fleet.engine.canary_analysis import CanarySample, CanaryVerdict, add_up, bin_latency, compare
from handshake.fleet.engine.strategy import CanarySettings

SETTINGS = CanarySettings(requests=500)
COUNTS = st.integers(min_value=0, max_value=5_000)
LATENCIES = st.lists(
    st.tuples(st.integers(min_value=0, max_value=99), COUNTS), max_size=8, unique_by=lambda it: it[0]
)


@st.composite
def samples(draw: st.DrawFn) -> CanarySample:
    """Return any sample whose numbers fit one another."""
    latencies, errors = tuple(sorted(draw(LATENCIES))), draw(COUNTS)
    return CanarySample(
        errors=errors, requests=errors + sum(count for _, count in latencies), latencies=latencies
    )


def answers(
    requests: int, *, failing: float = 0.0, milliseconds: float = 20.0, seed: int = 1
) -> CanarySample:
    """Return what a gateway sees of a service whose latencies scatter around a median."""
    chance = random.Random(seed)
    errors = round(failing * requests)
    latencies = [bin_latency(milliseconds * chance.lognormvariate(0, 0.5)) for _ in range(requests - errors)]
    counted = tuple(sorted((latency, latencies.count(latency)) for latency in set(latencies)))
    return CanarySample(requests=requests, errors=errors, latencies=counted)


@given(canary=samples(), baseline=samples())
@settings(max_examples=60)
def test_too_little_data_is_never_a_pass(canary: CanarySample, baseline: CanarySample) -> None:
    """Whoever passes has answered enough on both sides."""
    judged = compare(canary, baseline, SETTINGS)
    if judged.finding is CanaryVerdict.NO_WORSE:
        assert min(canary.requests, baseline.requests) >= SETTINGS.requests
        assert min(canary.answered, baseline.answered) >= SETTINGS.requests // 2


@given(requests=st.integers(min_value=500, max_value=5_000), more=st.floats(min_value=0.05, max_value=1.0))
@settings(max_examples=40)
def test_a_canary_that_fails_more_is_worse(requests: int, more: float) -> None:
    """Five requests of a hundred that fail beyond the baseline's are found, with as little data as is asked for."""
    baseline = answers(requests, failing=0.001)
    canary = answers(requests, failing=min(1.0, 0.001 + more))
    assert compare(canary, baseline, SETTINGS).finding is CanaryVerdict.WORSE


@given(requests=st.integers(min_value=500, max_value=3_000), factor=st.floats(min_value=1.3, max_value=50.0))
@settings(max_examples=40)
def test_a_canary_that_is_slower_is_worse(requests: int, factor: float) -> None:
    """A canary that takes a third longer is found although single answers scatter far more."""
    baseline, canary = answers(requests), answers(requests, milliseconds=20.0 * factor, seed=2)
    assert compare(canary, baseline, SETTINGS).finding is CanaryVerdict.WORSE


@given(sample=samples())
@settings(max_examples=40)
def test_a_canary_is_no_worse_than_itself(sample: CanarySample) -> None:
    """Two sides that answered alike are never told apart."""
    assert compare(sample, sample, SETTINGS).finding is not CanaryVerdict.WORSE


def test_a_better_canary_passes() -> None:
    """Fewer errors and faster answers are no reason to go back."""
    canary, baseline = answers(2_000, milliseconds=10.0), answers(2_000, failing=0.1)
    assert compare(canary, baseline, SETTINGS).finding is CanaryVerdict.NO_WORSE


def test_a_difference_that_nobody_notices_is_no_reason() -> None:
    """With a great many answers a hundredth more is certain, and yet no reason to go back."""
    baseline, canary = answers(40_000), answers(40_000, milliseconds=20.2, seed=3)
    assert compare(canary, baseline, SETTINGS).finding is CanaryVerdict.NO_WORSE


def test_a_side_that_answers_nothing_but_errors_does_not_pass() -> None:
    """Where both sides fail alike there is nothing to compare latencies of, and nothing passes."""
    failing = answers(1_000, failing=1.0)
    assert compare(failing, failing, SETTINGS).finding is CanaryVerdict.TOO_LITTLE


@given(first=st.floats(min_value=0, max_value=1e6), second=st.floats(min_value=0, max_value=1e6))
def test_bins_keep_the_order(first: float, second: float) -> None:
    """A longer latency is never in a lower bin."""
    low, high = sorted((first, second))
    assert bin_latency(low) <= bin_latency(high)


def test_samples_of_several_gateways_add_up() -> None:
    """Requests, errors and bins of several samples are one sample."""
    parts = [
        CanarySample(requests=3, errors=1, latencies=((4, 2),)),
        CanarySample(requests=2, latencies=((2, 1), (4, 1))),
    ]
    assert add_up(parts) == CanarySample(requests=5, errors=1, latencies=((2, 1), (4, 3)))
