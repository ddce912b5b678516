"""Durations as people write them: 90s, 10m, 2h, 7d."""

from __future__ import annotations

import re

import click

_UNITS = {"s": 1, "m": 60, "h": 3600, "d": 86400}
_DURATION = re.compile(r"(\d+)([smhd])")


class DurationType(click.ParamType[float]):
    """Seconds, written with a unit."""

    name = "duration"

    def convert(self, value: object, param: click.Parameter | None, ctx: click.Context | None) -> float:
        """Return the seconds."""
        found = _DURATION.fullmatch(str(value))
        if not found:
            self.fail(f"{value!r} is no duration: write 90s, 10m, 2h or 7d", param, ctx)
        return float(int(found[1]) * _UNITS[found[2]])
