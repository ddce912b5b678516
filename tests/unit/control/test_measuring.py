"""From counters to rates."""

from __future__ import annotations

from collections.abc import Mapping

from handshake.catalog.codec import decode
from handshake.catalog.keys import measures_key
from handshake.fleet.instance import Generation, InstanceReport
from handshake.fleet.instances.metrics import Measurer
from handshake.fleet.scaling import NodeMeasures
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock
from tests.transitions.fleet_members import release


class Meters:
    """A gateway's and a machine's counters, set by a test."""

    def __init__(self) -> None:
        self.requests: dict[str, float] = {}
        self.cpu: dict[str, float] = {}
        self.clock = FakeClock()
        self.catalog = MemoryCatalog()
        self._measurer = Measurer(
            self.catalog,
            self.clock,
            node="n1",
            count_requests=lambda: dict(self.requests),
            count_cpu=lambda: dict(self.cpu),
        )

    def read(self, requests: float, cpu: float) -> None:
        """Let the meters show something, and be read three seconds after the last time."""
        self.requests["hamm"], self.cpu["hamm-a"] = requests, cpu
        self.clock.advance(3)
        self._measurer.cycle(_REPORTS)

    def measured(self) -> Mapping[str, tuple[float, float]]:
        """Return what was written."""
        entry = self.catalog.get(measures_key("n1"))
        said = decode(NodeMeasures, entry.value).measures if entry else ()
        return {measure.service: (measure.requests_per_second, measure.cpu) for measure in said}


_REPORTS = {
    "hamm-a": InstanceReport(
        instance="hamm-a",
        node="n1",
        service="hamm",
        generation=Generation(image=release("image")),
        host="127.0.0.1",
        port=1,
        started_at=0.0,
    )
}


def test_one_reading_says_nothing() -> None:
    """A rate needs two readings."""
    meters = Meters()
    meters.read(1000, 50)
    assert meters.measured() == {}


def test_rates_are_what_was_added_by_the_time_it_took() -> None:
    """Sixty requests in six seconds are ten a second."""
    meters = Meters()
    for requests, cpu in ((1000, 50), (1030, 51.5), (1060, 53)):
        meters.read(requests, cpu)
    assert meters.measured() == {"hamm": (10.0, 0.5)}


def test_a_worker_that_begins_anew_is_counted_from_nothing() -> None:
    """After a reload a counter is lower than before: what it shows came since then."""
    meters = Meters()
    for requests in (1000, 1030, 30):
        meters.read(requests, 0)
    assert meters.measured()["hamm"][0] == 10.0


def test_an_instance_that_is_not_reported_is_nobodys() -> None:
    """What the node does not report counts for no service."""
    meters = Meters()
    meters.cpu["stranger"] = 5.0
    meters.read(0, 0)
    meters.cpu["stranger"] = 95.0
    meters.read(0, 0)
    assert meters.measured() == {"hamm": (0.0, 0.0)}
