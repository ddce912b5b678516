"""Times for machines and for people, and ages."""

from __future__ import annotations

from datetime import UTC, datetime

_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))
_LONG_SECONDS = 86400


def print_iso(at: float) -> str:
    """Return a time as ISO 8601 in UTC, to the second."""
    return f"{datetime.fromtimestamp(at, UTC):%Y-%m-%dT%H:%M:%SZ}"


def print_clock(at: float, now: float) -> str:
    """Return the time of day in UTC, with the date if it is more than a day ago."""
    pattern = "%H:%M:%SZ" if abs(now - at) < _LONG_SECONDS else "%Y-%m-%d %H:%MZ"
    return f"{datetime.fromtimestamp(at, UTC):{pattern}}"


def print_age(at: float, now: float) -> str:
    """Return how long ago a time was, in its largest unit; small clock differences never give a negative age."""
    seconds = int(now - at)
    for length, unit in _UNITS:
        if seconds >= length:
            return f"{seconds // length} {unit} ago"
    return "just now"
