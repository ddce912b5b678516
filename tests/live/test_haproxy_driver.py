"""The HAProxy driver against a real HAProxy: maps, servers, reloads, and what is said when it fails."""

from __future__ import annotations

import ipaddress
import socket
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from handshake.core.errors import OutcomeUnknownError, RefusedError, UnavailableError
from handshake.drivers.haproxy.maps import Maps
from handshake.drivers.haproxy.router import Order, Servers
from handshake.drivers.haproxy.runtime import Runtime
from tests.live.haproxies import Running, run_haproxy, wait_until

pytestmark = pytest.mark.live


def configuration(folder: Path, *, description: str = "first", more: str = "") -> str:
    return f"""
global
    description {description}
    stats socket {folder}/runtime.sock mode 600 level admin expose-fd listeners
    maxconn 100
defaults
    mode http
    timeout client 5s
    timeout server 5s
    timeout connect 1s
frontend ingress
    bind unix@{folder}/ingress.sock
    http-request deny if {{ src,map_ip({folder}/wall.map) -m found }}
    http-request deny if {{ hdr(user-agent),map_str({folder}/agents.map) -m found }}
    default_backend pool
{more}
backend pool
    balance leastconn
"""


@pytest.fixture
def running(tmp_path: Path) -> Iterator[Running]:
    (tmp_path / "wall.map").write_text("192.0.2.1 1\n")
    (tmp_path / "agents.map").write_text("")
    with run_haproxy(tmp_path, configuration(tmp_path)) as running:
        yield running


@pytest.fixture
def wall(tmp_path: Path) -> str:
    return str(tmp_path / "wall.map")


def test_replaces_a_large_map(running: Running, wall: str) -> None:
    """50,000 addresses are swapped in within seconds and read back exactly."""
    maps = Maps(running.runtime)
    entries = {str(ipaddress.ip_address("10.0.0.0") + number): f"{number} why" for number in range(50_000)}
    started = time.monotonic()
    maps.replace(wall, entries)
    replaced = time.monotonic()
    assert maps.show(wall) == entries
    print(f"replaced in {replaced - started:.2f} s, read back in {time.monotonic() - replaced:.2f} s")  # noqa: T201 -- the measure
    assert replaced - started < 5
    maps.replace(wall, {})
    assert maps.show(wall) == {}


def test_refused_entry_keeps_the_old_map(running: Running, wall: str) -> None:
    """One entry that does not fit the map's type refuses the replacement, and the old entries stay."""
    entries = {f"10.0.{number // 250}.{number % 250}": "1" for number in range(1000)} | {"nonsense": "1"}
    with pytest.raises(RefusedError) as refused:
        Maps(running.runtime).replace(wall, entries)
    assert "'nonsense' is not a valid IPv4 or IPv6 address" in refused.value.details
    assert Maps(running.runtime).show(wall) == {"192.0.2.1": "1"}


def test_changes_single_entries(running: Running, wall: str) -> None:
    """Putting a key changes it and leaves one entry; removing it twice is no error."""
    maps = Maps(running.runtime)
    maps.put(wall, "198.51.100.0/24", "1")
    maps.put(wall, "198.51.100.0/24", "2")
    assert maps.show(wall) == {"192.0.2.1": "1", "198.51.100.0/24": "2"}
    maps.remove(wall, "198.51.100.0/24")
    maps.remove(wall, "198.51.100.0/24")
    assert maps.show(wall) == {"192.0.2.1": "1"}
    with pytest.raises(RefusedError, match="refused nonsense"):
        maps.put(wall, "nonsense", "1")


def test_unknown_map(running: Running) -> None:
    """A map that the configuration does not name is refused, never taken for an empty one."""
    maps = Maps(running.runtime)
    for act in (maps.show, lambda name: maps.replace(name, {}), lambda name: maps.put(name, "1.1.1.1", "1")):
        with pytest.raises(RefusedError):
            act("/nowhere.map")


@pytest.mark.parametrize("word", ["a b", "a;show", "a\nshow", "a<<", "", "a\\"])
def test_no_command_inside_a_word(running: Running, wall: str, word: str) -> None:
    """A key that would end the command and begin another is refused before it is sent."""
    with pytest.raises(RefusedError, match="is not allowed in a HAProxy command"):
        Maps(running.runtime).put(wall, word, "1")


def test_servers_come_and_go(running: Running) -> None:
    """A server is added closed, opened, drained, closed and removed; each step may be repeated."""
    servers = Servers(running.runtime)
    words = ("check", "inter", "100ms", "weight", "10")
    for _ in range(2):
        servers.add("pool", "one", "127.0.0.1:1", words)
    assert servers.read()["pool"][0].order is Order.MAINT
    for order in (Order.READY, Order.DRAIN, Order.DRAIN, Order.MAINT):
        servers.order("pool", "one", order)
        assert servers.read()["pool"][0].order is order
    for _ in range(2):
        servers.remove("pool", "one")
    assert servers.read() == {"pool": ()}


def test_a_server_with_a_request_stays(running: Running, tmp_path: Path) -> None:
    """A server that still has a request is counted, is not removed, and goes once the request has ended."""
    servers = Servers(running.runtime)
    with socket.socket() as backend, socket.socket(socket.AF_UNIX) as visitor:
        backend.bind(("127.0.0.1", 0))
        backend.listen()
        servers.add("pool", "one", f"127.0.0.1:{backend.getsockname()[1]}", ())
        servers.order("pool", "one", Order.READY)
        visitor.connect(str(tmp_path / "ingress.sock"))
        visitor.sendall(b"GET / HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n")
        channel, _ = backend.accept()
        servers.order("pool", "one", Order.MAINT)
        assert servers.read()["pool"][0].sessions == 1
        assert not servers.remove("pool", "one")
        channel.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n")
        channel.close()
        assert visitor.recv(65536).startswith(b"HTTP/1.1 200")
    wait_until(lambda: servers.remove("pool", "one"))
    assert servers.read() == {"pool": ()}


def test_refusals_of_servers(running: Running) -> None:
    """An open server is not removed, and an unknown pool or server is refused, in HAProxy's words."""
    servers = Servers(running.runtime)
    servers.add("pool", "one", "127.0.0.1:1", ("check",))
    servers.order("pool", "one", Order.READY)
    with pytest.raises(RefusedError) as refused:
        servers.remove("pool", "one")
    assert "maintenance" in refused.value.details
    with pytest.raises(RefusedError):
        servers.add("nowhere", "one", "127.0.0.1:1", ())
    with pytest.raises(RefusedError):
        servers.order("pool", "nobody", Order.READY)


def test_reload_is_confirmed_by_the_new_worker(running: Running, tmp_path: Path) -> None:
    """A reload right after the start is not lost, and returns when another worker serves what was asked."""
    before = running.runtime.info()
    running.reload.serve(configuration(tmp_path, description="second"), "second")
    after = running.runtime.info()
    assert (before.description, after.description) == ("first", "second")
    assert after.process == running.master.workers().current != before.process
    for file in ("master.sock", "haproxy.cfg"):
        assert stat.S_IMODE((tmp_path / file).stat().st_mode) == 0o600


def test_configuration_that_cannot_start(running: Running, tmp_path: Path) -> None:
    """A valid configuration whose port is taken leaves the old worker in force and its file in place; then a good one goes."""
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        more = f"frontend second\n    bind 127.0.0.1:{port}\n    http-request return status 200"
        with pytest.raises(RefusedError, match="the old one keeps serving"):
            running.reload.serve(configuration(tmp_path, description="bad", more=more), "bad")
    assert running.runtime.info().description == "first"
    assert running.program.configuration.read_text() == configuration(tmp_path)
    running.reload.serve(configuration(tmp_path, description="third"), "third")
    assert running.runtime.info().description == "third"


def test_warnings_are_refused(running: Running, tmp_path: Path) -> None:
    """What HAProxy would only warn of is refused: here an answer larger than its buffer."""
    more = f"frontend second\n    bind unix@{tmp_path}/x.sock\n    http-request return status 200 content-type text/plain string {'x' * 20_000}"
    with pytest.raises(RefusedError) as refused:
        running.reload.keep(configuration(tmp_path, more=more))
    assert "runs over the buffer space" in refused.value.details
    assert running.program.configuration.read_text() == configuration(tmp_path)
    assert not (tmp_path / "haproxy.draft").exists()


def test_nobody_listens(tmp_path: Path) -> None:
    """Where no program listens, nothing was changed, and the error says so by its type."""
    with pytest.raises(UnavailableError):
        Runtime(tmp_path / "none.sock").ask("show", "info")


def test_silence_is_not_success(tmp_path: Path) -> None:
    """A program that takes a command and says nothing leaves the outcome unknown."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(tmp_path / "mute.sock"))
        listener.listen()
        with pytest.raises(OutcomeUnknownError):
            Runtime(tmp_path / "mute.sock", timeout_seconds=0.2).ask("enable", "health", "a/b")
