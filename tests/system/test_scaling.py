"""A fleet follows its load: more instances while visitors come, fewer once it is quiet, and nobody notices."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from handshake.drills.load_run import load_running
from handshake.drills.requests import donation_kind
from handshake.drills.summary import summarise_load
from tests.system.campaign_up import CampaignUnderTest, system_up
from tests.system.loads import explain, members, plan_load
from tests.system.processes import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

SCALING = """[services.hamm.scaling]
requests_per_second_per_instance = 15
cooldown_seconds = 8

"""


@pytest.fixture(scope="module")
def system() -> Iterator[CampaignUnderTest]:
    """Bring a campaign up whose donations service follows its load."""

    def follow_load(system: CampaignUnderTest) -> None:
        file = system.campaign / "handshake.toml"
        file.write_text(file.read_text().replace("[services.events]", f"{SCALING}[services.events]"))

    with system_up(follow_load) as up:
        yield up


def test_a_fleet_grows_with_its_load_and_shrinks_without_a_failed_request(system: CampaignUnderTest) -> None:
    """Donations come three times as fast as two instances shall take them, then hardly any: 2, 4, 2 instances."""
    assert len(members(system, "hamm")) == 2
    busy = plan_load(system, donation_kind("/api/hamm/donations"), rate_per_second=70, seconds=120)
    with load_running(busy) as load:
        wait_until(lambda: len(members(system, "hamm")) == 4, 60)
        wait_until(lambda: system.verb("status")["is_settled"], 60)
    crowd = load.result()
    assert summarise_load(crowd).failed == 0, explain(crowd)

    quiet = plan_load(system, donation_kind("/api/hamm/donations"), rate_per_second=10, seconds=120)
    with load_running(quiet) as load:
        wait_until(lambda: len(members(system, "hamm")) == 2, 90)
    few = load.result()
    assert summarise_load(few).failed == 0, explain(few)


def test_an_operators_number_wins(system: CampaignUnderTest) -> None:
    """With hardly a visitor, three instances run because somebody said so, until they say otherwise."""
    held = system.verb("scale", "hamm", "3", "--reason", "a talk is on")
    assert (held["wanted"], held["until"]) == (3, None)
    wait_until(lambda: len(members(system, "hamm")) == 3, 60)

    refused = system.handshake("scale", "hamm", "9", "--reason", "too many", check=False)
    assert refused.returncode == 1
    assert "between 2 and 4" in refused.stdout + refused.stderr
    system.verb("scale", "hamm", "auto", "--reason", "the talk is over")
    wait_until(lambda: len(members(system, "hamm")) == 2, 90)
