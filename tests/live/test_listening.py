"""Where a process listens is read off the kernel's tables, in words that people use."""

from __future__ import annotations

import os
import socket

import pytest

from handshake.drivers.process.ports import listening_addresses

pytestmark = pytest.mark.live


def test_every_listening_socket_of_a_process_is_seen() -> None:
    """IPv4 and IPv6, loopback and every address: all are named as address and port, until they are closed."""
    families = {"127.0.0.1": socket.AF_INET, "0.0.0.0": socket.AF_INET, "::1": socket.AF_INET6}
    before = set(listening_addresses([os.getpid()]))
    servers = [socket.create_server((host, 0), family=family) for host, family in families.items()]
    ports = [server.getsockname()[1] for server in servers]

    seen = set(listening_addresses([os.getpid()])) - before
    assert seen == {f"127.0.0.1:{ports[0]}", f"0.0.0.0:{ports[1]}", f"[::1]:{ports[2]}"}

    for server in servers:
        server.close()
    assert set(listening_addresses([os.getpid()])) == before


def test_what_does_not_listen_is_not_seen() -> None:
    """A connection is no listener, and a process that does not exist has none."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        before = listening_addresses([os.getpid()])
        with socket.create_connection(server.getsockname()):
            assert listening_addresses([os.getpid()]) == before
    assert listening_addresses([1 << 22]) == ()
