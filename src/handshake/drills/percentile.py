"""Percentiles, exact: a value that was measured, never one between two."""

from __future__ import annotations

import math
from collections.abc import Sequence


def percentile(ordered: Sequence[float], percent: float) -> float:
    """Return the nearest-rank percentile of values in ascending order: the smallest that `percent` do not exceed.

    0.0 where there are no values. ValueError for a percentage outside of 0 to 100.
    """
    if not 0 <= percent <= 100:  # noqa: PLR2004 -- a percentage
        raise ValueError(f"{percent} is no percentage")
    if not ordered:
        return 0.0
    return ordered[max(0, math.ceil(len(ordered) * percent / 100) - 1)]
