"""The budget's and the floor's arithmetic."""

from __future__ import annotations

import pytest

from handshake.fleet.engine.state import Budget, FleetSettings


@pytest.mark.parametrize(("desired", "size"), [(1, 1), (4, 1), (7, 1), (8, 2), (30, 7)])
def test_the_budget_is_the_larger_of_one_and_a_quarter(desired: int, size: int) -> None:
    """Small fleets are replaced one by one, large ones a quarter at a time."""
    assert FleetSettings(desired=desired).budget == size


def test_an_operator_may_say_a_count() -> None:
    """A count without a share holds for every size, and is never less than one."""
    assert Budget(count=3, share=0.0).size(40) == 3
    assert Budget(count=0, share=0.0).size(40) == 1


@pytest.mark.parametrize(("share", "desired", "floor"), [(1.0, 4, 4), (0.9, 4, 4), (0.5, 3, 2), (0.7, 10, 7)])
def test_the_floor_is_rounded_up(share: float, desired: int, floor: int) -> None:
    """A share of a fleet is never rounded in favour of fewer members."""
    assert FleetSettings(desired=desired, floor_share=share).floor == floor
