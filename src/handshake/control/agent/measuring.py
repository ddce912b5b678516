"""The agent's measures: requests that its gateway took for each service, processors that its instances use."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from itertools import pairwise

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import encode
from handshake.catalog.entry import Write
from handshake.catalog.keys import measures_key
from handshake.core.clock import Clock
from handshake.core.instance import InstanceReport
from handshake.core.outcome import Outcome
from handshake.fleet.scaling import Measure, NodeMeasures

MEASURE_SECONDS = 3.0
_WINDOW = 4
"""So many readings make one measure: one quiet moment is no quiet time."""


@dataclass(frozen=True, kw_only=True)
class Reading:
    """Counters at one moment; they only ever grow, or begin anew."""

    at: float
    requests: Mapping[str, float]
    """Service -> requests since the router started."""
    cpu: Mapping[str, float]
    """Instance -> seconds of processor time since it started."""


class Measurer:
    """Turns counters into rates and writes them, once per call of `cycle`."""

    def __init__(
        self,
        catalog: Catalog,
        clock: Clock,
        *,
        node: str,
        count_requests: Callable[[], Mapping[str, float]],
        count_cpu: Callable[[], Mapping[str, float]],
    ) -> None:
        self._catalog = catalog
        self._clock = clock
        self._node = node
        self._count_requests = count_requests
        self._count_cpu = count_cpu
        self._readings: deque[Reading] = deque(maxlen=_WINDOW)

    def cycle(self, reports: Mapping[str, InstanceReport]) -> Outcome:
        """Read all counters; say what they came to since the oldest reading of the window."""
        reading = Reading(at=self._clock.monotonic(), requests=self._count_requests(), cpu=self._count_cpu())
        self._readings.append(reading)
        if len(self._readings) == 1:
            return Outcome(sentence="measures since now", changed=False)
        measures = self._measure(reports)
        said = NodeMeasures(node=self._node, at=self._clock.now(), measures=measures)
        self._catalog.transact([Write(key=measures_key(self._node), value=encode(said))])
        return Outcome(sentence=f"measured {len(measures)} services", changed=False)

    def _measure(self, reports: Mapping[str, InstanceReport]) -> tuple[Measure, ...]:
        seconds = self._readings[-1].at - self._readings[0].at
        requests = _grown([reading.requests for reading in self._readings])
        cpu: dict[str, float] = defaultdict(float)
        for instance, used in _grown([reading.cpu for reading in self._readings]).items():
            if instance in reports:
                cpu[reports[instance].service] += used
        return tuple(
            Measure(
                service=service,
                requests_per_second=round(requests.get(service, 0.0) / seconds, 2),
                cpu=round(cpu[service] / seconds, 3),
            )
            for service in sorted(requests.keys() | cpu.keys())
        )


def _grown(counts: list[Mapping[str, float]]) -> dict[str, float]:
    """Return by how much each counter grew; one that fell began anew, and what it shows came since then."""
    grown: dict[str, float] = {}
    for before, after in pairwise(counts):
        for name, value in after.items():
            # One that was not there yet may have counted long before it was looked at.
            earlier = before.get(name, value)
            grown[name] = grown.get(name, 0.0) + (value - earlier if value >= earlier else value)
    return grown
