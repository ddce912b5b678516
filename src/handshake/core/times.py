"""Moments: when, for machines and for people, and how long ago."""

from __future__ import annotations

from datetime import UTC, datetime

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_LONG_SECONDS = 86400


def print_iso(at: float) -> str:
    """Return a moment as ISO 8601 in UTC, to the second."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def print_clock(at: float, now: float) -> str:
    """Return the time of day in UTC, with the date where it lies more than a day back."""
    pattern = "%H:%M:%SZ" if abs(now - at) < _LONG_SECONDS else "%Y-%m-%d %H:%MZ"
    return f"{datetime.fromtimestamp(at, UTC):{pattern}}"


def print_age(at: float, now: float) -> str:
    """Return how long ago a moment was, in its largest unit; clocks that differ a little make no past future."""
    seconds = int(now - at)
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return "just now"
