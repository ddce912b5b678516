"""What the simulator believes of switches and lists is what the ingress's maps hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from handshake.edge.ingress.country_maps import look_up
from handshake.edge.lists.live_data import LiveEdge, begin_with
from handshake.edge.lists.switches import Switches
from handshake.edge.policy.networks import print_network
from handshake.edge.policy.request import Request
from tests.unit.control.listed import Node


def live_edge(node: Node) -> LiveEdge:
    """Return the switches and lists of a node's catalogue."""
    return LiveEdge(switches=Switches(node.catalog, node.clock), lists=node.lists, clock=node.clock)


def test_the_whole_is_what_the_map_holds(tmp_path: Path) -> None:
    """Seeds, bans, bans that ended and seeds that were taken off come to what the ingress would load."""
    node = Node(folder=tmp_path)
    node.ban("203.0.113.7", "2001:db8::/64")
    node.ban("203.0.113.8", seconds=10)
    node.clock.sleep(30)
    assert {print_network(its) for its in live_edge(node).whole(node.policy).lists["wall"]} == {
        "192.0.2.0/24",
        "203.0.113.7",
        "2001:db8::/64",
    }

    node.lists.remove("wall", "192.0.2.0/24", author="bob", reason="mistake")
    node.follow()
    whole = live_edge(node).whole(node.policy)
    assert {print_network(its) for its in whole.lists["wall"]} == set(node.map_of())


@pytest.mark.parametrize(
    ("client", "held"),
    [
        ("203.0.113.7", {"203.0.113.7", "203.0.112.0/20"}),
        ("203.0.113.9", {"203.0.112.0/20"}),
        ("192.0.2.200", {"192.0.2.0/24"}),
        ("2001:db8::5", {"2001:db8::/64"}),
        ("198.51.100.1", set[str]()),
    ],
)
def test_around_a_request_is_what_may_hold_it(tmp_path: Path, client: str, held: set[str]) -> None:
    """Of a list, exactly the entries that hold the client are read."""
    node = Node(folder=tmp_path)
    node.ban("203.0.113.7", "203.0.112.0/20", "2001:db8::/64", "203.0.114.0/24")
    around = live_edge(node).around(node.policy, Request(client=client))
    assert {print_network(its) for its in around.lists["wall"]} == held


def test_texts_and_switches(tmp_path: Path) -> None:
    """A list of texts is asked for what the request says; switches are as they were set, else as the policy begins."""
    node = Node(folder=tmp_path)
    edge = live_edge(node)
    node.lists.add("agents", "curl", "wget", seconds=None, author="ann", reason="bot")
    edge.switches.set("ban", is_on=True, default=False, owner="ann", reason="attack", seconds=None)
    edge.switches.set("open", is_on=False, default=True, owner="ann", reason="attack", seconds=60)
    around = edge.around(node.policy, Request(client="192.0.2.1", headers={"user-agent": "curl"}))
    assert around.text_lists == {"agents": frozenset({"curl"})}
    assert around.switches_on == {"ban"}

    node.clock.sleep(61)
    assert edge.around(node.policy, Request(client="192.0.2.1")).switches_on == {"ban", "open"}


def test_without_a_campaign_the_policy_begins(tmp_path: Path) -> None:
    """Where no campaign is up, switches and lists are what the policy starts with."""
    live = begin_with(Node(folder=tmp_path).policy)
    assert live.switches_on == {"open"}
    assert [str(its) for its in live.lists["wall"]] == ["192.0.2.0/24"]


def test_the_longest_network_of_a_map_counts(tmp_path: Path) -> None:
    """A client's country is that of the longest network in the ingress's map; without one, nobody knows it."""
    countries = tmp_path / "countries.map"
    countries.write_text(
        "192.0.2.0/24 US\n192.0.2.128/25 PR\n192.0.2.130/32 GU\n192.0.2.131 VI\n2001:db8::/32 DE\n"
    )
    clients = ("192.0.2.1", "192.0.2.129", "192.0.2.130", "192.0.2.131", "2001:db8::1", "198.51.100.1")
    assert [look_up(countries, client) for client in clients] == ["US", "PR", "GU", "VI", "DE", ""]
    assert look_up(tmp_path / "absent.map", "192.0.2.1") == ""
