"""Slow clients, large requests and very many connections: answered or refused, and never the origin's problem."""

from __future__ import annotations

import resource
import socket
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, contextmanager

import pytest

from tests.live.edges import STORAGE_MEGABYTES, Edge, run_edge
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

KEPT = {"Content-Type": "text/plain", "Cache-Control": "max-age=600"}
HEADER_SECONDS = 5.0
"""What the ingress gives a client for a request's head."""
SLACK_SECONDS = 4.0
FLOOD = 10_000
LARGE_BYTES = 12_000_000
"""What the cache still keeps: less than a quarter of its storage."""
HUGE_BYTES = (STORAGE_MEGABYTES + 8) * 1024 * 1024
SPARE_FILES = 1_000


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    """Run one edge for all tests of this file."""
    with run_edge(read_text(""), (), "") as edge:
        edge.gateway.files["/page"] = (200, KEPT, "page")
        edge.gateway.files["/large"] = (200, KEPT, "x" * LARGE_BYTES)
        edge.gateway.files["/huge"] = (200, KEPT, "x" * HUGE_BYTES)
        yield edge


@pytest.fixture(autouse=True)
def nothing_seen(edge: Edge) -> Iterator[None]:
    """Begin with an origin that saw nothing, and see at the end that the same ingress still serves."""
    edge.gateway.seen.clear()
    process = edge.ingress.runtime.info().process
    yield
    assert edge.ask("/page").body == "page"
    assert edge.ingress.runtime.info().process == process


@contextmanager
def connect(edge: Edge) -> Iterator[socket.socket]:
    """Open a connection to the ingress."""
    with socket.create_connection(("127.0.0.1", edge.port), timeout=30) as connection:
        yield connection


def count_fetches(edge: Edge, path: str) -> int:
    """Return how often the origin was asked for a path."""
    return [seen.path for seen in list(edge.gateway.seen)].count(path)


def test_half_a_head(edge: Edge) -> None:
    """A client that stops in the middle of its headers is told so and cut; the origin hears nothing."""
    with connect(edge) as connection:
        connection.sendall(b"GET /half HTTP/1.1\r\nHost: x\r\nX-Slow:")
        begun = time.monotonic()
        answer = b"".join(iter(lambda: connection.recv(65536), b""))
    assert answer.startswith(b"HTTP/1.1 408")
    assert time.monotonic() - begun < HEADER_SECONDS + SLACK_SECONDS
    assert not edge.gateway.seen


def test_one_byte_at_a_time(edge: Edge) -> None:
    """A client that sends a byte now and then has no longer than one that sends nothing."""
    begun = time.monotonic()
    with connect(edge) as connection:
        connection.settimeout(0.2)
        answer = b""
        for byte in b"GET /drip HTTP/1.1\r\nHost: x\r\nX-Slow: " + b"a" * 1000:
            try:
                connection.sendall(bytes([byte]))
                answer = connection.recv(65536)
            except TimeoutError:
                continue
            except OSError:
                break
            break
    assert answer[:12] in {b"HTTP/1.1 408", b""}
    assert time.monotonic() - begun < HEADER_SECONDS + SLACK_SECONDS
    assert not edge.gateway.seen


def test_slow_visitors_keep_nobody_waiting(edge: Edge) -> None:
    """While many clients send half of a request's head or body, others are served as ever."""
    halves = (
        b"GET /half HTTP/1.1\r\nHost: x\r\n",
        b"POST /slow HTTP/1.1\r\nHost: x\r\nContent-Length: 1000\r\n\r\nabc",
    )
    with ExitStack() as stack:
        for number in range(300):
            connection = stack.enter_context(connect(edge))
            connection.sendall(halves[number % 2])
        begun = time.monotonic()
        for _ in range(20):
            assert edge.ask("/page").body == "page"
        assert time.monotonic() - begun < SLACK_SECONDS


def test_slow_reader(edge: Edge) -> None:
    """Clients that do not read what they asked for hold up nobody, and cost the origin one fetch."""
    with ExitStack() as stack:
        for _ in range(50):
            connection = stack.enter_context(connect(edge))
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            connection.sendall(b"GET /large HTTP/1.1\r\nHost: slow\r\n\r\n")
        assert edge.ask("/page").body == "page"
        # Whoever comes later gets it from the cache, whole.
        assert len(edge.ask("/large", headers={"Host": "slow"}).body) == LARGE_BYTES
        assert count_fetches(edge, "/large") == 1


def test_visitors_of_an_answer_that_the_cache_has_no_room_for(edge: Edge) -> None:
    """An answer larger than the cache reaches everybody whole, and what is cached stays there."""
    edge.ask("/page")
    with ThreadPoolExecutor(3) as pool:
        sizes = list(pool.map(lambda _: len(edge.ask("/huge").body), range(3)))
    assert sizes == [HUGE_BYTES] * 3
    assert count_fetches(edge, "/huge") == 3
    edge.gateway.seen.clear()
    assert edge.ask("/page").body == "page"
    assert not edge.gateway.seen


def test_a_large_answer_finds_room_among_many_small_ones(edge: Edge) -> None:
    """A cache full of small pages forgets as many of them as a large one needs, which arrives whole."""
    edge.gateway.files["/small"] = (200, KEPT, "x" * 50_000)
    for number in range(STORAGE_MEGABYTES * 21):
        assert edge.ask(f"/small?{number}").status == 200
    assert len(edge.ask("/large", headers={"Host": "full"}).body) == LARGE_BYTES


@pytest.mark.parametrize("number", [50, 200, 2000])
def test_many_headers(edge: Edge, number: int) -> None:
    """A request of many header fields is answered, or refused with a status that says so."""
    headers = {f"X-Field-{each}": "x" for each in range(number)}
    status = edge.ask("/page", headers=headers).status
    assert status == 200 if number == 50 else status in {200, 400, 431}


@pytest.mark.parametrize("size", [1_000, 8_000, 64_000, 1_000_000])
def test_long_address(edge: Edge, size: int) -> None:
    """An address is answered up to a size, and beyond it refused with a status that says so."""
    raw = f"GET /{'a' * size} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n".encode()
    try:
        status = edge.send_raw(raw)[9:12]
    except ConnectionError:
        status = b"400"  # refused before all of it was sent
    assert status == b"404" if size == 1_000 else status in {b"404", b"400", b"414"}
    assert len(edge.gateway.seen) == (status == b"404")


def test_a_thousand_visitors_of_one_cold_page(edge: Edge) -> None:
    """A thousand visitors who ask at once for a page that nobody has yet cost the origin one request."""
    edge.gateway.files["/cold"] = (200, KEPT, "cold")
    edge.gateway.delay_seconds = 1.0
    request = b"GET /cold HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    try:
        with ExitStack() as stack:
            visitors = [stack.enter_context(connect(edge)) for _ in range(1000)]
            for visitor in visitors:
                visitor.sendall(request)
            answers = [visitor.recv(4096)[9:12] for visitor in visitors]
    finally:
        edge.gateway.delay_seconds = 0.0
    assert set(answers) == {b"200"}
    assert [seen.path for seen in edge.gateway.seen] == ["/cold"]


def test_flood_of_connections(edge: Edge) -> None:
    """Behind ten thousand idle connections, or as many as this machine lets one program open, visitors are served.

    Where they are more than the ingress may hold, a visitor waits until the first of them are cut.
    """
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    number = min(FLOOD, soft - SPARE_FILES)
    with ExitStack() as stack:
        for _ in range(number):
            stack.enter_context(connect(edge))
        begun = time.monotonic()
        with ThreadPoolExecutor(4) as pool:
            answers = list(pool.map(lambda _: edge.ask("/page").status, range(20)))
        assert answers == [200] * 20
        assert time.monotonic() - begun < HEADER_SECONDS + SLACK_SECONDS
    assert not [seen for seen in edge.gateway.seen if seen.path != "/page"]
