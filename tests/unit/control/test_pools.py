"""The leader's view of pools: what it asks the catalogue, and when."""

from __future__ import annotations

import pytest

from handshake.catalog.entries import Endpoint, Endpoints, Traffic
from handshake.core.errors import UnavailableError
from handshake.fleet.rollouts.observe import Pools
from tests.support.catalog import FaultyCatalog, MemoryCatalog, no_answer, no_fault

SERVICES = ("hamm", "events")


class AskedCatalog(MemoryCatalog):
    """Notes of which services somebody wanted to know the endpoints."""

    def __init__(self) -> None:
        super().__init__()
        self.asked: list[str] = []

    def endpoints(self, service: str, index: int = 0, wait_seconds: float = 0.0) -> Endpoints:
        """Return a service's endpoints, and note that."""
        self.asked.append(service)
        return super().endpoints(service, index, wait_seconds)


@pytest.fixture
def catalog() -> AskedCatalog:
    """A catalogue that knows an instance of each service."""
    catalog = AskedCatalog()
    for service in SERVICES:
        catalog.register(open_endpoint(service), 30)
    return catalog


def open_endpoint(service: str, traffic: Traffic = Traffic.OPEN) -> Endpoint:
    """Return a service's one endpoint."""
    return Endpoint(id=f"{service}-1", service=service, host="127.0.0.1", port=20000, traffic=traffic)


def look(pools: Pools) -> list[Traffic]:
    """Look at every service's endpoint, as a cycle does."""
    pools.refresh()
    return [pools.endpoints(service).endpoints[0].traffic for service in SERVICES]


def test_services_at_rest_are_not_asked_for_again(catalog: AskedCatalog) -> None:
    """While no endpoint changes, a cycle asks for no service's endpoints, however many services there are."""
    pools = Pools(catalog)
    assert look(pools) == look(pools) == [Traffic.OPEN, Traffic.OPEN]
    assert catalog.asked == ["hamm", "events"]


def test_a_changed_endpoint_is_seen_in_the_next_cycle(catalog: AskedCatalog) -> None:
    """An endpoint that drains is seen draining, whatever was known before."""
    pools = Pools(catalog)
    look(pools)
    catalog.register(open_endpoint("events", Traffic.DRAINING), 30)
    assert look(pools) == [Traffic.OPEN, Traffic.DRAINING]


def test_after_silence_everything_is_asked_for_anew(catalog: AskedCatalog) -> None:
    """A catalogue that did not answer may be another one when it does: nothing that was known before is believed."""
    way = FaultyCatalog(catalog)
    pools = Pools(way)
    look(pools)
    way.before = no_answer
    with pytest.raises(UnavailableError):
        look(pools)
    way.before = no_fault
    look(pools)
    assert catalog.asked == ["hamm", "events"] * 2
