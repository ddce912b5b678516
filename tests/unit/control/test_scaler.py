"""The leader's autoscaler and the verb, over a catalogue in memory."""

from __future__ import annotations

import pytest

from handshake.campaign.settings import CampaignSettings
from handshake.catalog.codec import encode
from handshake.catalog.entries import HeldLock, Write
from handshake.catalog.journal import read_journal
from handshake.catalog.keys import LEADER, measures_key
from handshake.core.errors import ConflictError, RefusedError
from handshake.fleet.autoscaler import Scaler, Scales, read_scale
from handshake.fleet.nodes import Node, Nodes, NodeState
from handshake.fleet.scaling import Measure, NodeMeasures
from handshake.fleet.settings import ScalingSettings, ServiceSettings
from handshake.release.regions import RegionSettings
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock

NODES = Nodes(all=(Node(name="n1", state=NodeState.ANSWERS),))


def campaign() -> CampaignSettings:
    """Return a campaign with one service that follows its load and one that does not."""
    scaling = ScalingSettings(requests_per_second_per_instance=10, cooldown_seconds=60)
    return CampaignSettings(
        name="campaign",
        regions={"east": RegionSettings(listen="127.0.0.1:8101")},
        services={
            "events": ServiceSettings(source="services/events"),
            "hamm": ServiceSettings(source="services/hamm", scaling=scaling),
        },
    )


class Led:
    """A leader that only scales."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.catalog = MemoryCatalog()
        self.fence = HeldLock(key=LEADER, session=self.catalog.open_session("leader", 10))
        self.catalog.acquire(LEADER, b"me", self.fence.session)
        self.scales = Scales(who="ada", catalog=self.catalog, clock=self.clock)

    def measure(self, requests: float) -> None:
        """Let the node say how many requests a second it sees."""
        measures = (Measure(service="hamm", requests_per_second=requests, cpu=0.0),)
        said = NodeMeasures(node="n1", at=self.clock.now(), measures=measures)
        self.catalog.transact([Write(key=measures_key("n1"), value=encode(said))])

    def cycle(self) -> list[str]:
        """Look once; return what was told."""
        outcomes = Scaler(self.catalog).cycle(campaign().services, NODES, self.fence, self.clock.now())
        return [outcome.sentence for outcome in outcomes]

    def wanted(self, service: str = "hamm") -> int | None:
        """Return the number that is written."""
        scale, _ = read_scale(self.catalog, service)
        return scale.wanted if scale else None


def test_a_load_is_followed_and_told() -> None:
    """A measured load moves the number once, with a record in the journal; a service without targets has none."""
    led = Led()
    led.measure(35)
    assert led.cycle() == ["hamm: 4 instances: 35.0 requests/s, 0.00 processors"]
    assert led.cycle() == []
    assert (led.wanted(), led.wanted("events")) == (4, None)
    assert read_journal(led.catalog)[0].who == "autoscaler"


def test_who_does_not_lead_scales_nothing() -> None:
    """A leader that lost its lock writes nothing."""
    led = Led()
    led.measure(35)
    led.catalog.close_session(led.fence.session)
    with pytest.raises(ConflictError):
        led.cycle()
    assert led.wanted() is None


def test_an_operators_number_wins_until_it_ends() -> None:
    """For its time, and for a service without targets too."""
    led = Led()
    led.scales.hold(campaign().services, "hamm", 2, reason="the database moves", seconds=60)
    led.scales.hold(campaign().services, "events", 3, reason="a talk", seconds=None)
    led.measure(35)
    assert led.cycle() == []
    assert (led.wanted(), led.wanted("events")) == (2, 3)
    led.clock.advance(60)
    led.measure(35)
    led.cycle()
    assert (led.wanted(), led.wanted("events")) == (4, 3)


def test_a_number_is_given_back() -> None:
    """With `auto` the load decides again."""
    led = Led()
    led.scales.hold(campaign().services, "hamm", 2, reason="the database moves", seconds=None)
    led.scales.release(campaign().services, "hamm", reason="it has moved")
    led.clock.advance(6)
    led.measure(35)
    led.cycle()
    assert led.wanted() == 4


def test_numbers_outside_of_the_policy_are_refused() -> None:
    """Floor and ceiling are policy, an unknown service is a mistake, and nothing can be given back twice."""
    led = Led()
    for service, count in (("hamm", 1), ("hamm", 5), ("nobody", 2)):
        with pytest.raises(RefusedError):
            led.scales.hold(campaign().services, service, count, reason="because", seconds=None)
    with pytest.raises(RefusedError):
        led.scales.release(campaign().services, "hamm", reason="because")
