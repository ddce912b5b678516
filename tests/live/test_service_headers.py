"""What a service is told: the whole way of a request, through a real ingress, cache and gateway, to who remembers it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import partial
from pathlib import Path

import pytest

from handshake.catalog.entries import Endpoint
from handshake.edge.ingress.compile.maps import FOREVER
from handshake.gateway.haproxy import GatewayListener, GatewayTarget, Pool, compile_gateway
from handshake.gateway.policy import GatewayPolicy, Route
from handshake.syntax.haproxy import print_haproxy
from tests.live.backends import Backend, Loop
from tests.live.edges import Edge, run_edge
from tests.live.haproxies import run_haproxy, wait_until
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

CLIENT = "127.0.0.7"
EDGE = """
[switches.siege]
default = true
description = "closed"
[lists.wall]
kind = "network"
[[rule]]
name = "listed"
phase = "serve"
when = 'switch.siege && client.ip in list.wall && client.asn < 7 && client.rate < 1000'
headers = { request = { set = { X-Listed = "yes" } }, response = { set = { X-Seen = "yes" } } }
[[rule]]
name = "look"
phase = "serve"
when = 'request.path != "/socket"'
split = { arms = { control = 0, bold = 1 } }
[[rule]]
name = "kept"
phase = "serve"
when = 'request.path == "/kept"'
cache = { ttl_seconds = 1, grace_seconds = 1, stale_if_error_seconds = 60, tags = ["kept"], key = ['request.cookie["lang"]'] }
"""
SOCKET = {
    "Upgrade": "websocket",
    "Connection": "Upgrade",
    "Sec-WebSocket-Version": "13",
    "Sec-WebSocket-Key": "dGhlIHNhbXBsZSBub25jZQ==",
}
DOCUMENTED = {
    *("x-forwarded-for", "x-forwarded-proto", "x-hs-client", "x-hs-country", "x-request-id"),
    "x-arm-look",
    "accept-encoding",
}
OWN = {"host", "user-agent", "connection", "content-length", "cookie", "x-listed"}
"""What the visitor has sent, and what a rule has set."""

FORGED = "".join(
    f"X-HS-{name}: forged\r\n" for name in ("Arm-look", "Arm", "Release", "Rule", "Cache", "While", "Content")
)
"""What a service has no say in, but for the last."""


@contextmanager
def run_gateway(backend: Backend, path: Path) -> Iterator[None]:
    """Run a gateway at a socket that the cache may open, with one service behind it."""
    folder = path.parent / "gateway"
    folder.mkdir()
    member = Endpoint(id=backend.name, service="echo", host="127.0.0.1", port=backend.port)
    target = GatewayTarget(
        digest="sha256:first",
        listener=GatewayListener(path=path, mode=0o666),
        runtime_socket=folder / "runtime.sock",
        pools=(Pool(service="echo", members=(member,)),),
    )
    policy = GatewayPolicy(route=(Route(path="/", service="echo"),))
    with run_haproxy(folder, print_haproxy(compile_gateway(policy, target))):
        yield


@pytest.fixture(scope="module")
def served() -> Iterator[tuple[Edge, Backend]]:
    """Run the whole way; the visitor stands on the list that a rule of the cache reads."""
    with Loop() as loop:
        backend = Backend(loop, "echo-1", delay_seconds=0, headers=FORGED)
        with run_edge(
            read_text(EDGE), (), "", networks="", serve_gateway=partial(run_gateway, backend)
        ) as edge:
            edge.maps.put(edge.map_name("wall"), CLIENT, str(FOREVER))
            wait_until(lambda: edge.ask("/", source=CLIENT).status == 200)
            yield edge, backend


def heard(served: tuple[Edge, Backend], path: str, method: str, headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that the service gets for a request."""
    edge, backend = served
    backend.seen.clear()
    answer = edge.ask(path, method=method, headers=headers, source=CLIENT)
    assert answer.status == 200
    (head,) = backend.seen
    lines = (line.partition(": ") for line in head.strip().split("\r\n")[1:])
    return {name.lower(): value for name, _, value in lines}


@pytest.mark.parametrize(
    ("path", "method", "headers"),
    [
        ("/kept", "GET", {"Cookie": "lang=de; other=1", "User-Agent": "test"}),
        ("/gift", "POST", {"User-Agent": "test", "X-HS-Met-listed": "forged", "X-HS-Key": "forged"}),
        ("/page", "GET", {"Accept": "text/event-stream", "Authorization": "Basic x"}),
        ("/socket", "GET", SOCKET),
    ],
    ids=["cached", "written", "stream", "socket"],
)
def test_a_service_hears_what_is_documented(
    served: tuple[Edge, Backend], path: str, method: str, headers: dict[str, str]
) -> None:
    """Whichever way a request takes, a service hears of the edge's own headers those that the docs name, all true."""
    told = heard(served, path, method, headers)
    assert told["x-listed"] == "yes"
    assert (told["x-hs-client"], told["x-forwarded-for"]) == (CLIENT, CLIENT)
    assert (told["x-hs-country"], told["x-forwarded-proto"]) == ("unknown", "http")
    assert len(told["x-request-id"]) == 36
    assert told.get("x-arm-look") == (None if path == "/socket" else "bold")
    assert told.keys() - DOCUMENTED - OWN <= {name.lower() for name in headers}
    assert not any(name.startswith(("x-hs-met", "x-hs-key")) for name in told)


def test_a_service_cannot_speak_for_the_cache(served: tuple[Edge, Backend]) -> None:
    """A visitor gets no cookie and no word of the edge's because a service says so, and the log names no false rule."""
    edge, _ = served
    answer = edge.ask("/page", headers={"Cookie": "hs_arm_look=bold"}, source=CLIENT)
    assert {name for name, value in answer.headers.items() if "forged" in value} == {"x-hs-content"}
    assert "forged" not in edge.ingress.log.read_text()
