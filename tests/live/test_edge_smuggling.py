"""Requests that two programs could read differently, sent through the real ingress and cache to a recording origin."""

from __future__ import annotations

import re
import socket
from collections.abc import Iterator
from contextlib import suppress

import pytest

from tests.live.edges import Edge, run_edge
from tests.live.smuggling import CASES, REFUSALS, SMUGGLED, Recorder, read_waivers
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

WAIVERS = read_waivers()
FRAMING = re.compile(r"^(content-length|transfer-encoding):", re.IGNORECASE | re.MULTILINE)
BARE = re.compile(r"(?<!\r)\n|\r(?!\n)|\r\n[ \t]|\0")


@pytest.fixture(scope="module")
def recorder() -> Recorder:
    """Return the origin behind the edge of this file."""
    return Recorder()


@pytest.fixture(scope="module")
def edge(recorder: Recorder) -> Iterator[Edge]:
    """Run one edge for all tests of this file."""
    with run_edge(read_text(""), (), "", serve_gateway=recorder.serve) as edge:
        yield edge


def send(edge: Edge, text: str) -> int:
    """Send bytes, then what must not come through behind them; return the first answer's status."""
    with socket.create_connection(("127.0.0.1", edge.port), timeout=5) as connection:
        # What is refused is answered and closed before all was sent.
        with suppress(ConnectionError):
            connection.sendall(text.encode("latin-1"))
        answer = connection.recv(65536)
    return int(answer.split()[1])


def reached(edge: Edge, recorder: Recorder) -> list[str]:
    """Return what reached the origin before a request that is sent now."""
    assert edge.ask("/afterwards", method="POST").status == 200
    seen = [each for each in recorder.requests if "/afterwards" not in each]
    recorder.requests.clear()
    return seen


@pytest.mark.parametrize("name", sorted(CASES.keys() - WAIVERS.keys()))
def test_doubtful_request_is_refused(edge: Edge, recorder: Recorder, name: str) -> None:
    """A request of two readings is answered with a refusal, and neither it nor what hides in it reaches the origin."""
    assert send(edge, CASES[name] + SMUGGLED) in REFUSALS
    assert not reached(edge, recorder)


@pytest.mark.parametrize("name", sorted(WAIVERS))
def test_waived_request_is_written_anew(edge: Edge, recorder: Recorder, name: str) -> None:
    """What HAProxy reads its own way reaches the origin as one request of one reading."""
    send(edge, CASES[name])
    [request] = reached(edge, recorder)
    head, _, _ = request.partition("\r\n\r\n")
    assert head.startswith(("GET /case HTTP/1.1\r\n", "POST /case HTTP/1.1\r\n"))
    assert len(FRAMING.findall(head)) <= 1
    assert not BARE.search(request)


@pytest.mark.parametrize("name", ["length before encoding", "encoding before length"])
def test_connection_ends_after_two_framings(edge: Edge, recorder: Recorder, name: str) -> None:
    """What follows a request of two framings on its connection is read by nobody."""
    send(edge, CASES[name] + SMUGGLED)
    assert ["/smuggled" in request for request in reached(edge, recorder)] == [False]
