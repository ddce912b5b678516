"""A house with Fastly in front of it: what a verb says of Fastly is what Fastly's API was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.house.house import HouseUnderTest, house_up
from tests.house.processes import wait_until
from tests.live.fastly_api import SERVICE, TOKEN, FastlyApi, run_fastly_api

pytestmark = pytest.mark.live

CAMPAIGN = """
name = "campaign"
[listen]
ingress = "127.0.0.1:1"
dashboard = "127.0.0.1:2"
catalog = "127.0.0.1:3"
agent = "127.0.0.1:4"
[regions.east]
listen = "127.0.0.1:5"
[sites.calls]
source = "sites/calls"
mount = "/calls"
[fastly]
service_id = "{service}"
domain = "www.example.org"
origin = "origin.example.org"
api = "{api}"
"""
EDGE = """
[lists.wall]
kind = "network"
[[rule]]
name = "the-wall"
phase = "admit"
when = "client.ip in list.wall"
respond = { status = 403 }
"""


@dataclass(frozen=True, kw_only=True)
class Fronted:
    """A house, and Fastly's API."""

    house: HouseUnderTest
    api: FastlyApi


@pytest.fixture(scope="module")
def fronted() -> Iterator[Fronted]:
    """Bring a small campaign up with Fastly in front of it."""
    with run_fastly_api(FastlyApi()) as api, house_up(lambda house: _put_behind(house, api)) as house:
        yield Fronted(house=house, api=api)


def _put_behind(house: HouseUnderTest, api: FastlyApi) -> None:
    """Leave one site of the example, on the ports that it has, and put Fastly's token where it belongs."""
    ports = [
        line.partition("=")[2]
        for line in (house.campaign / "handshake.toml").read_text().splitlines()
        if line.endswith('"') and "127.0.0.1:" in line
    ]
    text = CAMPAIGN.format(service=SERVICE, api=api.url)
    for number in range(1, 6):
        text = text.replace(f' "127.0.0.1:{number}"', ports[number - 1])
    (house.campaign / "handshake.toml").write_text(text)
    (house.campaign / "edge.toml").write_text(EDGE)
    (house.campaign / "edge_tests.toml").write_text("")
    (house.campaign / "gateway.toml").write_text('title = "nothing"\n')
    secrets = house.home / "data/campaign/secrets"
    secrets.mkdir(parents=True)
    (secrets / "fastly-token").write_text(TOKEN)
    (secrets / "fastly-token").chmod(0o600)


def test_a_policy_is_settled_once_fastly_serves_it(fronted: Fronted) -> None:
    """Fastly is one of the places that status names, and a plan has nothing left to change there."""
    wait_until(lambda: fronted.house.verb("status")["is_settled"])
    (policy,) = (
        row for row in fronted.house.verb("status")["subjects"] if row["subject"] == "policy/campaign"
    )
    said = {cell["place"]: cell["said"] for cell in policy["places"]}
    assert said["fastly"] == "vendor_accepted and read_back: version 2 is active"
    assert fronted.house.verb("plan")["fastly"] == []
    assert fronted.api.held("hs_list_wall_1") == set()


def test_a_purge_says_what_it_purged_where(fronted: Fronted) -> None:
    """One verb: the house's cache forgets first, Fastly then, and the verb repeats what each has said."""
    purged = fronted.house.verb("edge", "purge", "news", "--soft", "--reason", "a typo")
    assert purged["is_enforced"]
    assert purged["said"] == [
        "cache@n1: the cache forgot 0 pages",
        "fastly: vendor_accepted: Fastly purges 1 tags and pages",
    ]
    assert fronted.api.purges == [(("news",), True)]
    assert "fastly: vendor_accepted" in fronted.house.handshake("edge", "purge", "sport").stdout


def test_a_ban_reaches_fastly(fronted: Fronted) -> None:
    """A ban is the ingress's at once, and Fastly's soon after."""
    ban = ("ban", "203.0.113.9", "--for", "10m", "--reason", "bots")
    assert fronted.house.verb(*ban)["is_enforced"]
    wait_until(lambda: fronted.api.held("hs_list_wall_1") == {"203.0.113.9"})


def test_a_purge_that_fastly_does_not_hear_is_not_finished(fronted: Fronted) -> None:
    """While Fastly is silent, the verb says who is missing and fails; then the order is carried out by itself."""
    fronted.api.is_down = True
    said = fronted.house.handshake("edge", "purge", "late", check=False)
    assert said.returncode == 1
    assert "fastly: nothing yet" in said.stdout
    fronted.api.is_down = False
    wait_until(lambda: (("late",), False) in fronted.api.purges)
