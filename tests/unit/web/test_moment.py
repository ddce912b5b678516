"""Moments, as people read them."""

from __future__ import annotations

import pytest

from handshake.core.times import print_age, print_clock, print_iso
from tests.unit.web.reports import NOW


@pytest.mark.parametrize(
    ("seconds", "expected"),
    [
        (-3, "just now"),
        (0.9, "just now"),
        (1, "1 s ago"),
        (59.9, "59 s ago"),
        (60, "1 min ago"),
        (3599, "59 min ago"),
        (7200, "2 h ago"),
        (86400 * 3, "3 d ago"),
    ],
)
def test_an_age_has_one_unit(seconds: float, expected: str) -> None:
    """An age is told in its largest unit, and a clock that runs ahead makes nobody read the future."""
    assert print_age(NOW - seconds, NOW) == expected


def test_a_time_of_day_gets_a_date_after_a_day() -> None:
    """Within a day the time is enough; before that the date comes with it."""
    assert print_clock(NOW - 60, NOW) == "07:59:00Z"
    assert print_clock(NOW - 86400, NOW) == "2027-01-14 08:00Z"


def test_iso() -> None:
    """Machines read a moment in UTC."""
    assert print_iso(NOW) == "2027-01-15T08:00:00Z"
