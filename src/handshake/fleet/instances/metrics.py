"""A node's metrics of its instances: load for the autoscaler, samples of answers for canary analysis."""

from __future__ import annotations

import json
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import Write
from handshake.catalog.keys import ASSIGNMENTS, measures_key, samples_key
from handshake.core.clock import Clock
from handshake.core.outcome import Outcome
from handshake.fleet.engine.canary_analysis import CanarySample, bin_latency
from handshake.fleet.instance import Assignment, InstanceReport, Purpose
from handshake.fleet.scaling import Measure, NodeMeasures

MEASURE_SECONDS = 3.0
_WINDOW = 4
"""A metric needs this many readings: one quiet moment does not mean low load."""


@dataclass(frozen=True, kw_only=True)
class MetricReading:
    """Counters at one moment; they only increase, or restart."""

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
        self._readings: deque[MetricReading] = deque(maxlen=_WINDOW)

    def cycle(self, reports: Mapping[str, InstanceReport]) -> Outcome:
        """Read all counters; say what they came to since the oldest reading of the window."""
        reading = MetricReading(
            at=self._clock.monotonic(), requests=self._count_requests(), cpu=self._count_cpu()
        )
        self._readings.append(reading)
        if len(self._readings) == 1:
            return Outcome(sentence="measuring starts", changed=False)
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
    """Return by how much each counter grew; one that fell began again, and what it shows came since then."""
    grown: dict[str, float] = {}
    for before, after in pairwise(counts):
        for name, value in after.items():
            # One that was not there yet may have counted long before it was looked at.
            earlier = before.get(name, value)
            grown[name] = grown.get(name, 0.0) + (value - earlier if value >= earlier else value)
    return grown


# The agent's samples: what this node's gateway logged of canaries and baselines, added up for the leader.

_COMPARED = {Purpose.CANARY, Purpose.BASELINE}
_LEAST_ERROR = 500
_CLIENT_LEFT = "C"


@dataclass(frozen=True, kw_only=True)
class NodeSamples:
    """The metrics of one node's gateway."""

    node: str
    samples: tuple[CanarySample, ...] = ()


@dataclass
class Tally:
    """One instance's answers, counted."""

    requests: int = 0
    errors: int = 0
    latencies: Counter[int] = field(default_factory=Counter)

    def count(self, line: Mapping[str, object]) -> None:
        """Count one line of the access log; a request that its client gave up says nothing of the instance."""
        if str(line["ended"]).startswith(_CLIENT_LEFT):
            return
        status, milliseconds = int(str(line["status"])), float(str(line["answer_ms"]))
        self.requests += 1
        if status < 0 or status >= _LEAST_ERROR or milliseconds < 0:
            self.errors += 1
        else:
            self.latencies[bin_latency(milliseconds)] += 1

    def sample(self, instance: str) -> CanarySample:
        """Return the counts as they are kept."""
        latencies = tuple(sorted(self.latencies.items()))
        return CanarySample(
            instance=instance, requests=self.requests, errors=self.errors, latencies=latencies
        )


class Sampler:
    """Counts a gateway's answers of the instances that are being compared, and only of those.

    A new agent continues from what the previous one wrote. What was logged in between is not counted: that
    means less data, which decides nothing, but never wrong data.
    """

    def __init__(self, *, node: str, catalog: Catalog, read_log: Callable[[], Iterable[bytes]]) -> None:
        """`read_log` returns the lines that the gateway has logged since it was last asked."""
        self._node = node
        self._catalog = catalog
        self._read_log = read_log
        self._tallies: dict[str, Tally] = {}
        self._written = self._read_own()
        for sample in self._written.samples:
            latencies = Counter(dict(sample.latencies))
            self._tallies[sample.instance] = Tally(sample.requests, sample.errors, latencies)

    def cycle(self) -> Outcome:
        """Count what is new, and write it where it changed."""
        compared = self._find_compared()
        self._tallies = {name: self._tallies.get(name, Tally()) for name in compared}
        for line in self._read_log():
            self._count(line)
        now = NodeSamples(
            node=self._node,
            samples=tuple(tally.sample(name) for name, tally in sorted(self._tallies.items())),
        )
        if now == self._written:
            return Outcome(sentence="nothing new to count", changed=False)
        self._catalog.transact([Write(key=samples_key(self._node), value=encode(now))])
        self._written = now
        return Outcome(sentence=f"counts the answers of {len(compared)} instances", changed=False)

    def _read_own(self) -> NodeSamples:
        entry = self._catalog.get(samples_key(self._node))
        return decode(NodeSamples, entry.value) if entry else NodeSamples(node=self._node)

    def _find_compared(self) -> set[str]:
        entries = self._catalog.read(ASSIGNMENTS).entries
        assignments = (decode(Assignment, entry.value) for entry in entries)
        return {each.instance for each in assignments if each.purpose in _COMPARED}

    def _count(self, line: bytes) -> None:
        """Count a line if it is about one of them; most are not, and are not parsed."""
        if not any(name.encode() in line for name in self._tallies):
            return
        try:
            said = json.loads(line)
            if tally := self._tallies.get(said["member"]):
                tally.count(said)
        except (ValueError, KeyError, TypeError):
            return  # HAProxy's own messages share the log
