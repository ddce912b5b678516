"""Percentiles."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handshake.drills.summary import percentile

HUNDRED = [float(number) for number in range(1, 101)]


@pytest.mark.parametrize(
    ("percent", "value"), [(0, 1), (50, 50), (95, 95), (99, 99), (99.1, 100), (100, 100)]
)
def test_nearest_rank(percent: float, value: float) -> None:
    """Of the numbers 1 to 100, the nth percentile is n."""
    assert percentile(HUNDRED, percent) == value


def test_nothing() -> None:
    """Without values there is nothing to wait for."""
    assert percentile([], 99) == 0.0


def test_no_percentage() -> None:
    """A number over 100 is no percentage."""
    with pytest.raises(ValueError, match="101 is not a percentage"):
        percentile(HUNDRED, 101)


@given(st.lists(st.floats(0, 1000), min_size=1).map(sorted), st.integers(1, 100))
def test_definition(values: list[float], percent: int) -> None:
    """A percentile is a measured value; as many as asked do not exceed it, and it is the smallest such one."""
    found = percentile(values, percent)
    assert found in values
    assert sum(value <= found for value in values) * 100 >= percent * len(values)
    assert sum(value < found for value in values) * 100 < percent * len(values)
