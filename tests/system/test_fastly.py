"""A campaign with Fastly in front of it: what a verb says of Fastly is what Fastly's API was asked for."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tests.live.fastly_api import SERVICE, TOKEN, FastlyApi, run_fastly_api
from tests.system.campaign_up import CampaignUnderTest, system_up
from tests.system.processes import wait_until

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
    """A campaign, and Fastly's API."""

    system: CampaignUnderTest
    api: FastlyApi


@pytest.fixture(scope="module")
def fronted() -> Iterator[Fronted]:
    """Bring a small campaign up with Fastly in front of it."""
    with run_fastly_api(FastlyApi()) as api, system_up(lambda system: _put_behind(system, api)) as system:
        yield Fronted(system=system, api=api)


def _put_behind(system: CampaignUnderTest, api: FastlyApi) -> None:
    """Leave one site of the example, on the ports that it has, and put Fastly's token where it belongs."""
    ports = [
        line.partition("=")[2]
        for line in (system.campaign / "handshake.toml").read_text().splitlines()
        if line.endswith('"') and "127.0.0.1:" in line
    ]
    text = CAMPAIGN.format(service=SERVICE, api=api.url)
    for number in range(1, 6):
        text = text.replace(f' "127.0.0.1:{number}"', ports[number - 1])
    (system.campaign / "handshake.toml").write_text(text)
    (system.campaign / "edge.toml").write_text(EDGE)
    (system.campaign / "edge_tests.toml").write_text("")
    (system.campaign / "gateway.toml").write_text('title = "nothing"\n')
    secrets = system.home / "data/campaign/secrets"
    secrets.mkdir(parents=True)
    (secrets / "fastly-token").write_text(TOKEN)
    (secrets / "fastly-token").chmod(0o600)


def test_a_policy_is_settled_once_fastly_serves_it(fronted: Fronted) -> None:
    """Fastly is one of the places that status names, and a plan has nothing left to change there."""
    wait_until(lambda: fronted.system.verb("status")["is_settled"])
    (policy,) = (
        row for row in fronted.system.verb("status")["subjects"] if row["subject"] == "policy/campaign"
    )
    said = {cell["place"]: cell["said"] for cell in policy["places"]}
    assert said["fastly"] == "vendor_accepted and read_back: version 2 is active"
    assert fronted.system.verb("plan")["fastly"] == []
    assert fronted.api.held("hs_list_wall_1") == set()


def test_a_purge_says_what_it_purged_where(fronted: Fronted) -> None:
    """One verb: the campaign's cache forgets first, Fastly then, and the verb repeats what each has said."""
    purged = fronted.system.verb("edge", "purge", "news", "--soft", "--reason", "a typo")
    assert purged["is_enforced"]
    assert purged["said"] == [
        "cache@n1: the cache removed 0 pages",
        "fastly: vendor_accepted: Fastly purges 1 tags and pages",
    ]
    assert fronted.api.purges == [(("news",), True)]
    assert "fastly: vendor_accepted" in fronted.system.handshake("edge", "purge", "sport").stdout


def test_a_ban_reaches_fastly(fronted: Fronted) -> None:
    """A ban is the ingress's at once, and Fastly's soon after."""
    ban = ("ban", "203.0.113.9", "--for", "10m", "--reason", "bots")
    assert fronted.system.verb(*ban)["is_enforced"]
    wait_until(lambda: fronted.api.held("hs_list_wall_1") == {"203.0.113.9"})


def test_a_purge_that_fastly_does_not_hear_is_not_finished(fronted: Fronted) -> None:
    """While Fastly is silent, the verb says who is missing and fails; then the order is carried out by itself."""
    fronted.api.is_down = True
    said = fronted.system.handshake("edge", "purge", "late", check=False)
    assert said.returncode == 1
    assert "fastly: nothing yet" in said.stdout
    fronted.api.is_down = False
    wait_until(lambda: (("late",), False) in fronted.api.purges)
