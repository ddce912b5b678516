"""Drill 12 through ingress, cache and gateway: event streams and WebSockets that outlast a drain."""

from __future__ import annotations

import socket
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from handshake.config.reader import parse_settings
from handshake.edge.policy.policy import build_policy
from handshake.edge.policy.settings import EdgeSettings
from tests.drills.streams import StreamingBackend
from tests.drills.test_routers import ASK, UPGRADE, drain, echo, is_cut, read_until
from tests.live.backends import Backend, Loop
from tests.live.edges import Edge, run_edge
from tests.live.test_gateway import System, endpoint, endpoints, run_house

pytestmark = pytest.mark.live

CLOSED = """
[[rule]]
name = "closed"
phase = "serve"
when = 'request.path == "/api/hamm/closed"'
respond = { status = 410, body = "Gone." }
"""
EVENTS = ASK.replace(b"Host: test", b"Host: test\r\nAccept: text/event-stream")
PLAIN = b"GET /api/hamm/%s HTTP/1.1\r\nHost: test\r\n\r\n"


@dataclass(frozen=True, kw_only=True)
class Way:
    """The whole way from a visitor to the instances."""

    edge: Edge
    gateway: System

    @contextmanager
    def visit(self, request: bytes) -> Iterator[socket.socket]:
        """Open a connection to the ingress, send a request, and keep the connection."""
        with socket.create_connection(("127.0.0.1", self.edge.port), timeout=10) as channel:
            channel.sendall(request)
            yield channel


@pytest.fixture
def way() -> Iterator[Way]:
    """Run ingress, cache and gateway."""
    policy = build_policy(parse_settings(EdgeSettings, CLOSED, shown_as="edge.toml"))
    campaigns: list[System] = []

    @contextmanager
    def serve_gateway(path: Path) -> Iterator[None]:
        folder = path.with_name("gateway")
        folder.mkdir(mode=0o755)
        with Loop() as loop, run_house(folder, loop) as system:
            system.target.listener.path.chmod(0o777)
            path.symlink_to(system.target.listener.path)
            campaigns.append(system)
            yield

    with run_edge(policy, (), "", serve_gateway=serve_gateway) as edge:
        yield Way(edge=edge, gateway=campaigns[0])


def test_streams_outlive_a_drain_through_the_whole_way(way: Way) -> None:
    """Drill 12: a visitor's event stream and WebSocket go on while their instance drains, and nothing is acknowledged before both end."""
    gateway = way.gateway
    old, new = StreamingBackend(gateway.loop, "hamm-old"), StreamingBackend(gateway.loop, "hamm-new")
    gateway.settle(endpoints(1, endpoint(old)))
    with way.visit(EVENTS) as events, way.visit(UPGRADE) as web:
        read_until(events, b"data: still here")
        read_until(web, b"101 Switching Protocols")
        wanted = endpoints(2, endpoint(new))
        drain(gateway, wanted)

        for number in range(20):
            assert gateway.cycle(wanted, 1) == 1, "a pool is acknowledged with streams on the drained member"
            assert echo(web, b"word %d" % number)
            read_until(events, b"data: still here")
            assert way.edge.ask("/api/hamm/x").body == '"hamm-new"'
        old.finish()
        read_until(events, b"data: the end")
        web.shutdown(socket.SHUT_WR)
        gateway.settle(wanted, before=1)


def test_streams_are_cut_through_the_whole_way_at_the_deadline(way: Way) -> None:
    """Drill 12: an instance that is killed at its drain's deadline takes its visitors' streams with it."""
    gateway = way.gateway
    old, new = StreamingBackend(gateway.loop, "hamm-old"), StreamingBackend(gateway.loop, "hamm-new")
    gateway.settle(endpoints(1, endpoint(old)))
    with way.visit(EVENTS) as events, way.visit(UPGRADE) as web:
        read_until(events, b"data: still here")
        read_until(web, b"101 Switching Protocols")
        wanted = endpoints(2, endpoint(new))
        drain(gateway, wanted)

        old.kill()

        # The instance's stream has no length: for the visitor it is over, and the connection to the ingress is not.
        read_until(events, b"\r\n0\r\n\r\n")
        assert is_cut(web)
        gateway.settle(wanted, before=1)


def test_events_arrive_as_they_are_sent(way: Way) -> None:
    """Nobody on the way collects events: each arrives long before the stream is over, also for a second visitor."""
    backend = StreamingBackend(way.gateway.loop, "hamm-a")
    way.gateway.settle(endpoints(1, endpoint(backend)))
    begun = time.monotonic()
    with way.visit(EVENTS) as first, way.visit(EVENTS) as second:
        for channel in (first, second):
            for _ in range(5):
                read_until(channel, b"data: still here")
    assert time.monotonic() - begun < 3


def test_a_refused_upgrade_opens_no_way_around_the_cache(way: Way) -> None:
    """Where an instance refuses to upgrade, what follows on that connection is asked of the cache's rules again."""
    way.gateway.settle(endpoints(1, endpoint(Backend(way.gateway.loop, "hamm-a"))))
    with way.visit(UPGRADE) as channel:
        read_until(channel, b"hamm-a")
        for _ in range(3):
            channel.sendall(PLAIN % b"closed")
            assert b" 410 " in read_until(channel, b"\r\n\r\n")
    assert [way.edge.ask("/api/hamm/closed").status for _ in range(5)] == [410] * 5
