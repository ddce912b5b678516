"""Drills 11 and 12: a gateway that is killed in mid-switch, and connections that outlast a drain."""

from __future__ import annotations

import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest

from handshake.catalog.entries import Endpoints, Traffic
from handshake.drivers.haproxy.router import HaproxyRouter
from handshake.gateway.haproxy import Pool
from handshake.gateway.pool import acked_revision, explain_waiting, plan_pool
from tests.drills.streams import KEY, StreamingBackend
from tests.live.backends import Backend, Loop
from tests.live.haproxies import run_haproxy, wait_until
from tests.live.test_gateway import System, endpoint, endpoints, run_house

pytestmark = pytest.mark.live

ASK = b"GET /api/hamm/stream HTTP/1.1\r\nHost: test\r\n\r\n"
UPGRADE = (
    b"GET /api/hamm/socket HTTP/1.1\r\nHost: test\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: " + KEY + b"\r\n\r\n"
)


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    """Run a gateway."""
    with Loop() as loop, run_house(tmp_path, loop) as system:
        yield system


@contextmanager
def visit(system: System, request: bytes) -> Iterator[socket.socket]:
    """Open a connection to the gateway, send a request, and keep the connection."""
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(10)
        channel.connect(str(system.target.listener.path))
        channel.sendall(request)
        yield channel


def read_until(channel: socket.socket, text: bytes) -> bytes:
    """Read until a text has come; AssertionError with what came where the connection ends before."""
    come = b""
    while text not in come:
        more = channel.recv(65536)
        assert more, come
        come += more
    return come


def is_cut(channel: socket.socket) -> bool:
    """Read to the connection's end."""
    try:
        while channel.recv(65536):
            pass
    except ConnectionError:
        pass
    return True


def echo(channel: socket.socket, text: bytes) -> bool:
    """Send a line over an upgraded connection and wait for it to come back."""
    channel.sendall(text + b"\n")
    return bool(read_until(channel, text + b"\n"))


def test_streams_outlive_a_drain_until_they_end(system: System) -> None:
    """Drill 12: while a member drains, its event stream and its WebSocket go on; nothing is acknowledged before both end."""
    old, new = StreamingBackend(system.loop, "hamm-old"), StreamingBackend(system.loop, "hamm-new")
    system.settle(endpoints(1, endpoint(old)))
    with visit(system, ASK) as events, visit(system, UPGRADE) as web:
        read_until(events, b"data: still here")
        read_until(web, b"101 Switching Protocols")
        wanted = endpoints(2, endpoint(old, Traffic.DRAINING), endpoint(new))
        drain(system, wanted)

        for number in range(20):
            assert system.cycle(wanted, 1) == 1, (
                "a pool is acknowledged with requests still on the drained member"
            )
            assert echo(web, b"word %d" % number)
            read_until(events, b"data: still here")
            assert system.visitor.ask("/api/hamm/x")[2] == "hamm-new"
        old.finish()
        read_until(events, b"data: the end")
        web.shutdown(socket.SHUT_WR)
        system.settle(wanted, before=1)
    assert [member.name for member in system.router.observe().pools["hamm"]] == ["hamm-new"]


def drain(system: System, wanted: Endpoints) -> None:
    """Follow the catalogue until nothing but the two open connections is waited for."""

    def told() -> tuple[str, ...]:
        return explain_waiting("hamm", wanted, system.router.observe())

    def is_draining() -> bool:
        system.cycle(wanted, 1)
        return told() == ("hamm-old is still draining: 2 requests",)

    wait_until(is_draining, told)


def test_streams_are_cut_once_the_deadline_has_passed(system: System) -> None:
    """Drill 12: a member that is killed at its drain's deadline takes its streams with it, and the switch ends."""
    old, new = StreamingBackend(system.loop, "hamm-old"), StreamingBackend(system.loop, "hamm-new")
    system.settle(endpoints(1, endpoint(old)))
    with visit(system, ASK) as events, visit(system, UPGRADE) as web:
        read_until(events, b"data: still here")
        read_until(web, b"101 Switching Protocols")
        wanted = endpoints(2, endpoint(new))
        drain(system, wanted)

        old.kill()

        assert is_cut(events)
        assert is_cut(web)
        system.settle(wanted, before=1)
        assert system.visitor.ask("/api/hamm/x")[2] == "hamm-new"
    assert [member.name for member in system.router.observe().pools["hamm"]] == ["hamm-new"]


def test_a_quiet_web_socket_is_kept(system: System) -> None:
    """Drill 12: a WebSocket on which nobody speaks outlasts its route's timeout of a second."""
    backend = StreamingBackend(system.loop, "hamm-a")
    system.settle(endpoints(1, endpoint(backend)))
    with visit(system, UPGRADE) as web:
        read_until(web, b"101 Switching Protocols")
        web.settimeout(2)
        with pytest.raises(TimeoutError):
            web.recv(1)
        assert echo(web, b"still here")


@pytest.mark.parametrize("steps", range(6))
def test_gateway_killed_in_mid_switch(tmp_path: Path, steps: int) -> None:
    """Drill 11: a gateway that is killed after any step of a switch starts again with the new members and ends it."""
    with Loop() as loop:
        old, new = endpoint(Backend(loop, "hamm-old")), endpoint(Backend(loop, "hamm-new"))
        wanted = endpoints(2, replace(old, traffic=Traffic.DRAINING), new)
        with run_house(tmp_path, loop) as system:
            system.settle(endpoints(1, old))
            # The agent leaves the wanted members where the next start finds them, before it takes a step.
            system.router.keep(system.text("sha256:first", Pool(service="hamm", members=(new,))))
            take_steps(system, wanted, steps)
            process = system.router.observe().process
            os.kill(system.running.process, signal.SIGKILL)
            wait_until(lambda: not Path(f"/proc/{process}").exists())
        with run_haproxy(tmp_path, system.running.program.configuration.read_text()) as running:
            router = HaproxyRouter(running.runtime, running.master, running.reload)
            wait_until(lambda: acked_revision("hamm", wanted, router.observe(), 1) == 2)
            assert [member.name for member in router.observe().pools["hamm"]] == ["hamm-new"]
            assert system.visitor.ask("/api/hamm/x")[2]["member"] == "hamm-new"


def take_steps(system: System, wanted: Endpoints, count: int) -> None:
    """Take so many steps towards the wanted members, one after the other."""
    taken = 0
    while taken < count and (steps := plan_pool("hamm", wanted, system.router.observe())):
        system.router.apply(steps[0])
        taken += 1
