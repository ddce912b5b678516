"""Who the client is, by PROXY protocol and by header, and that nobody else has a say in it."""

from __future__ import annotations

import socket
import struct
from collections.abc import Iterator

import pytest

from handshake.edge.ingress.compile.maps import FOREVER
from handshake.edge.policy.request import NAMES, PREFIXES, is_stripped
from tests.live.edges import Edge, run_edge
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

BALANCER, CDN, BOTH = "127.0.0.2", "127.0.0.3", "127.0.0.4"
CLIENT = "203.0.113.7"
FORGED = "198.51.100.66"
SIGNATURE = b"\r\n\r\n\0\r\nQUIT\n"
POLICY = f"""
trusted_proxies = ["{CDN}"]
proxy_protocol = ["{BALANCER}", "{BOTH}"]
[lists.wall]
kind = "network"
[[rule]]
name = "the-wall"
phase = "admit"
when = "client.ip in list.wall"
respond = {{ status = 403 }}
"""
CLAIMS = sorted(
    {
        *NAMES,
        *(f"{prefix}anything" for prefix in PREFIXES),
        *(
            "Fastly-FF",
            "Fastly-Client-IP",
            "Fastly-Temp-XFF",
            "Fastly-SSL",
            "CF-Connecting-IP",
            "CF-IPCountry",
        ),
        *(
            "X-Forwarded-For",
            "X_Forwarded_For",
            "x_forwarded-for",
            "HTTP_X_FORWARDED_FOR",
            "X-Forwarded-Host",
        ),
        *(
            "X-HS-Client",
            "X_HS_Client",
            "X-HS-Lists",
            "X-HS-Cache",
            "X-HS-Rule",
            "X-Original-URL",
            "X_Real_IP",
        ),
        *("Fastly_FF", "True_Client_IP", "Forwarded", "X-Original-Host", "X-Forwarded-Server"),
    }
)


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    """Run one edge, at which the client and whoever is forged are told apart by the wall."""
    with run_edge(read_text(POLICY), (), "") as edge:
        edge.maps.put(edge.map_name("wall"), CLIENT, str(FOREVER))
        yield edge


def speak_for(client: str) -> bytes:
    """Return the beginning of a connection, by PROXY protocol's second version, of one who speaks for a client."""
    addresses = socket.inet_aton(client) + socket.inet_aton("127.0.0.1") + struct.pack("!HH", 40000, 80)
    return SIGNATURE + struct.pack("!BBH", 0x21, 0x11, len(addresses)) + addresses


def ask(edge: Edge, source: str, *, first: bytes = b"", headers: str = "") -> int:
    """Return the status of one request from a loopback address; 0 where the connection was ended without a word."""
    request = f"GET / HTTP/1.1\r\nHost: x\r\n{headers}Connection: close\r\n\r\n"
    try:
        answer = edge.send_raw(first + request.encode(), source=source)
    except ConnectionError:
        return 0
    return int(answer.split()[1]) if answer else 0


def test_balancer_speaks_proxy_protocol(edge: Edge) -> None:
    """The client is whom a named balancer names, for the policy and for services."""
    assert ask(edge, BALANCER, first=speak_for(CLIENT)) == 403
    assert ask(edge, BALANCER, first=speak_for("203.0.113.8")) == 404
    assert edge.gateway.seen[-1].headers["x-hs-client"] == "203.0.113.8"


def test_balancer_must_speak_proxy_protocol(edge: Edge) -> None:
    """Whoever is named as a balancer is not served without it: its clients would all look like one."""
    assert ask(edge, BALANCER) in {0, 400}


def test_nobody_else_may_speak_proxy_protocol(edge: Edge) -> None:
    """From anybody else, PROXY protocol is no request."""
    edge.gateway.seen.clear()
    assert ask(edge, "127.0.0.9", first=speak_for("203.0.113.8")) == 400
    assert ask(edge, "127.0.0.9", first=b"PROXY TCP4 203.0.113.8 127.0.0.1 40000 80\r\n") == 400
    assert not edge.gateway.seen


def test_header_of_whom_a_balancer_names(edge: Edge) -> None:
    """Behind a balancer, a trusted proxy's header counts, and a stranger's does not."""
    claim = f"X-Forwarded-For: {CLIENT}\r\n"
    assert ask(edge, BOTH, first=speak_for(CDN), headers=claim) == 403
    assert ask(edge, BOTH, first=speak_for("203.0.113.9"), headers=claim) == 404


@pytest.mark.parametrize("header", CLAIMS)
def test_forged_claim(edge: Edge, header: str) -> None:
    """A claim neither lifts a ban, nor bans another, nor reaches a service, whoever sends it."""
    assert is_stripped(header)
    assert ask(edge, BALANCER, first=speak_for(CLIENT), headers=f"{header}: {FORGED}\r\n") == 403
    for source in ("127.0.0.9", CDN):
        if source == CDN and header.lower() == "x-forwarded-for":
            continue
        assert ask(edge, source, headers=f"{header}: {CLIENT}\r\n") == 404
        assert CLIENT not in str(edge.gateway.seen[-1].headers)
        assert edge.gateway.seen[-1].headers["x-hs-client"] == source
