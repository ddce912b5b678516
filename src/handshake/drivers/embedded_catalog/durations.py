"""Durations in the notation of Go: `10s`, `1m30s`, `250ms`."""

from __future__ import annotations

import re

from handshake.drivers.embedded_catalog.refusals import MalformedError

_SECONDS_PER_UNIT = {"ns": 1e-9, "us": 1e-6, "µs": 1e-6, "ms": 1e-3, "s": 1.0, "m": 60.0, "h": 3600.0}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ns|us|µs|ms|s|m|h)", re.ASCII)
_NANOSECONDS = 1_000_000_000


def parse_duration(text: str, *, name: str) -> float:
    """Return the seconds that `text` means; `name` tells the sender which field is wrong."""
    parts = _PART.findall(text)
    if not parts or "".join(number + unit for number, unit in parts) != text:
        raise MalformedError(f"{name} {text!r} is not a duration such as '10s', '1m30s' or '250ms'")
    return sum(float(number) * _SECONDS_PER_UNIT[unit] for number, unit in parts)


def nanoseconds(seconds: float) -> int:
    """Return a duration as Consul prints it in JSON."""
    return round(seconds * _NANOSECONDS)
