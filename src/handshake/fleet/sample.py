"""Samples: what the gateways saw of one instance's answers, small enough to be kept and added up."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

_PER_DOUBLING = 8
"""Bins of latency for each doubling: a bin is 9 % wide."""


@dataclass(frozen=True, kw_only=True)
class Sample:
    """The answers of an instance since its launch, or of several together."""

    instance: str = ""
    """Empty where it stands for several."""
    requests: int = 0
    errors: int = 0
    """Answers of 500 and more, and requests that got none."""
    latencies: tuple[tuple[int, int], ...] = ()
    """Bins of latency, and how many answers that were no errors fell into each; sorted."""

    @property
    def answered(self) -> int:
        """How many answers were no errors."""
        return sum(count for _, count in self.latencies)


def bin_latency(milliseconds: float) -> int:
    """Return the bin of a latency; a longer one is never in a lower bin."""
    return round(_PER_DOUBLING * math.log2(max(milliseconds, 0.0) + 1.0))


def add_up(samples: Iterable[Sample]) -> Sample:
    """Return one sample for several."""
    parts = tuple(samples)
    latencies: Counter[int] = Counter()
    for part in parts:
        latencies.update(dict(part.latencies))
    return Sample(
        requests=sum(part.requests for part in parts),
        errors=sum(part.errors for part in parts),
        latencies=tuple(sorted(latencies.items())),
    )
