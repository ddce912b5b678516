"""The simulator on its own."""

from __future__ import annotations

from ipaddress import ip_network

from handshake.edge.policy.request import LiveData, Request
from handshake.edge.simulate.verdict import simulate
from tests.unit.edge.compiled import read_text

POLICY = read_text(
    """
[switches.siege]
description = "Closed."
[lists.wall]
kind = "network"
protected = ["192.0.2.1"]
[[rule]]
name = "late"
phase = "serve"
when = 'request.header["X-Key"] == "" && request.path.matches("^/a")'
respond = { status = 410 }
[[rule]]
name = "wall"
phase = "admit"
when = 'client.ip in list.wall || client.ip in ["198.51.100.0/24"]'
respond = { status = 403 }
[[rule]]
name = "siege"
phase = "admit"
when = 'switch.siege && client.country != "US"'
decoy = { answers = [{ status = 201 }, { status = 402 }] }
"""
)
LIVE = LiveData(switches_on=frozenset({"siege"}), lists={"wall": (ip_network("192.0.2.0/24"),)})


def names(request: Request) -> list[str]:
    """Return the rules that match, in order."""
    return [rule.name for rule in simulate(POLICY, request, LIVE).matched]


def test_ingress_comes_before_the_cache() -> None:
    """Rules of the ingress decide first, wherever they stand in the file."""
    verdict = simulate(POLICY, Request(client="192.0.2.9", country="US", path="/a"), LIVE)
    assert [rule.because for rule in verdict.matched] == ["edge.toml:12 wall"]
    assert verdict.statuses == (403,)


def test_networks_and_protection() -> None:
    """A client is listed by its network, unless the list protects it."""
    assert names(Request(client="192.0.2.2", country="US")) == ["wall"]
    assert names(Request(client="192.0.2.1", country="US")) == []
    assert names(Request(client="198.51.100.7", country="US")) == ["wall"]


def test_decoy_may_answer_in_several_ways() -> None:
    """Whether the coin falls on one side or the other is not simulated."""
    assert simulate(POLICY, Request(client="203.0.113.1"), LIVE).statuses == (201, 402)


def test_headers_in_any_case() -> None:
    """A header is found whatever the case in which the rule names it, and empty where it is absent."""
    assert names(Request(client="203.0.113.1", country="US", path="/a")) == ["late"]
    assert names(Request(client="203.0.113.1", country="US", path="/a", headers={"x-key": "k"})) == []
