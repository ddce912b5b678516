"""A fleet follows its load: more instances while visitors come, fewer once it is quiet, and nobody notices."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from handshake.drills.load_run import load_running
from handshake.drills.requests import donation_kind
from handshake.drills.summary import summarise_load
from tests.house.house import HouseUnderTest, house_up
from tests.house.loads import explain, members, plan_load
from tests.house.processes import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

SCALING = """[services.hamm.scaling]
requests_per_second_per_instance = 15
cooldown_seconds = 8

"""


@pytest.fixture(scope="module")
def house() -> Iterator[HouseUnderTest]:
    """Bring a campaign up whose donations service follows its load."""

    def follow_load(house: HouseUnderTest) -> None:
        file = house.campaign / "handshake.toml"
        file.write_text(file.read_text().replace("[services.events]", f"{SCALING}[services.events]"))

    with house_up(follow_load) as up:
        yield up


def test_a_fleet_grows_with_its_load_and_shrinks_without_a_failed_request(house: HouseUnderTest) -> None:
    """Donations come three times as fast as two instances shall take them, then hardly any: 2, 4, 2 instances."""
    assert len(members(house, "hamm")) == 2
    busy = plan_load(house, donation_kind("/api/hamm/donations"), rate_per_second=70, seconds=120)
    with load_running(busy) as load:
        wait_until(lambda: len(members(house, "hamm")) == 4, 60)
        wait_until(lambda: house.verb("status")["is_settled"], 60)
    crowd = load.result()
    assert summarise_load(crowd).failed == 0, explain(crowd)

    quiet = plan_load(house, donation_kind("/api/hamm/donations"), rate_per_second=10, seconds=120)
    with load_running(quiet) as load:
        wait_until(lambda: len(members(house, "hamm")) == 2, 90)
    few = load.result()
    assert summarise_load(few).failed == 0, explain(few)


def test_an_operators_number_wins(house: HouseUnderTest) -> None:
    """With hardly a visitor, three instances run because somebody said so, until they say otherwise."""
    held = house.verb("scale", "hamm", "3", "--reason", "a talk is on")
    assert (held["wanted"], held["until"]) == (3, None)
    wait_until(lambda: len(members(house, "hamm")) == 3, 60)

    refused = house.handshake("scale", "hamm", "9", "--reason", "too many", check=False)
    assert refused.returncode == 1
    assert "between 2 and 4" in refused.stdout + refused.stderr
    house.verb("scale", "hamm", "auto", "--reason", "the talk is over")
    wait_until(lambda: len(members(house, "hamm")) == 2, 90)
