"""Pages are forgotten by their tags and URLs, at once and without a ban list, by a real cache."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from handshake.edge.cache.cache import Purge, PurgedPage
from tests.live.edges import Edge, run_edge
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

KEPT = {"Content-Type": "text/plain", "Cache-Control": "max-age=600"}


@pytest.fixture(scope="module")
def running() -> Iterator[Edge]:
    """Run one edge for all tests of this file."""
    with run_edge(read_text(""), (), "") as edge:
        yield edge


@pytest.fixture
def edge(running: Edge) -> Iterator[Edge]:
    """Return the edge with three pages in its cache."""
    tagged = {"/a": "news sport", "/b": "news", "/c": "weather"}
    running.gateway.files = {
        path: (200, {**KEPT, "Surrogate-Key": tags}, path) for path, tags in tagged.items()
    }
    running.gateway.files["/d"] = (200, {**KEPT, "Cache-Tag": "maps,weather"}, "/d")
    look(running)
    running.gateway.seen.clear()
    yield running
    running.gateway.is_down = False
    running.cache.forget(Purge(tags=("news", "weather")))


def look(edge: Edge) -> None:
    """Ask for every page once."""
    for path in edge.gateway.files:
        edge.ask(path)


def fetched(edge: Edge) -> set[str]:
    """Ask for every page once, and return those for which the origin was asked."""
    look(edge)
    return {seen.path for seen in edge.gateway.seen}


def test_purge_by_tag(edge: Edge) -> None:
    """Every page that carries one of the tags is forgotten, and no other."""
    assert edge.cache.forget(Purge(tags=("news",))) == 2
    assert fetched(edge) == {"/a", "/b"}


def test_tags_listed_with_commas(edge: Edge) -> None:
    """Cache-Tag means the same as Surrogate-Key."""
    assert edge.cache.forget(Purge(tags=("maps", "sport", "unknown"))) == 2
    assert fetched(edge) == {"/a", "/d"}


def test_purge_by_url(edge: Edge) -> None:
    """One page is forgotten by the address at which visitors ask for it."""
    host = f"127.0.0.1:{edge.port}"
    assert (
        edge.cache.forget(
            Purge(pages=(PurgedPage(host=host, path="/b"), PurgedPage(host="other", path="/a")))
        )
        == 1
    )
    assert fetched(edge) == {"/b"}


def test_soft_purge_keeps_the_page_for_bad_times(edge: Edge) -> None:
    """A page that was purged softly is asked for again, and shown while its origin is down."""
    assert edge.cache.forget(Purge(tags=("weather",), is_soft=True)) == 2
    edge.gateway.is_down = True
    assert edge.ask("/c").body == "/c"
    edge.gateway.is_down = False
    edge.gateway.files["/c"] = (200, KEPT, "new")
    time.sleep(1.1)  # so long the origin is left alone
    assert edge.ask("/c").body == "new"


def test_purge_of_very_many_tags(edge: Edge) -> None:
    """More tags than a header line can hold are purged all the same."""
    assert edge.cache.forget(Purge(tags=(*(f"{'x' * 70}{number}" for number in range(1000)), "sport"))) == 1
    assert fetched(edge) == {"/a"}


def test_tags_are_for_caches_alone(edge: Edge) -> None:
    """Visitors do not see what an origin writes for caches."""
    edge.gateway.files["/e"] = (200, {**KEPT, "Surrogate-Control": "max-age=9", "Surrogate-Key": "news"}, "e")
    inward = {"surrogate-control", "surrogate-key", "cache-tag", "xkey", "x-hs-while"}
    for _ in range(2):
        assert not inward & set(edge.ask("/e").headers)


@pytest.mark.parametrize("header", ["X-HS-Purge", "X-HS-Purge-Path", "X-HS-Soft"])
def test_visitors_cannot_purge(edge: Edge, header: str) -> None:
    """A visitor's PURGE is one more unknown method: it goes to the origin and forgets nothing."""
    value = "/a" if header.endswith("Path") else "news"
    raw = f"PURGE /other HTTP/1.1\r\nHost: x\r\n{header}: {value}\r\nConnection: close\r\n\r\n"
    edge.send_raw(raw.encode())
    edge.gateway.seen.clear()
    assert not fetched(edge)


def test_a_change_forgets_what_it_changed(edge: Edge) -> None:
    """A method that changes something forgets the page at its URL where it succeeds, and only there."""
    edge.ask("/c", method="DELETE")
    edge.gateway.seen.clear()
    assert fetched(edge) == {"/c"}
    edge.gateway.files["/c"] = (403, KEPT, "no")
    edge.ask("/c", method="POST", body="")
    edge.gateway.seen.clear()
    assert not fetched(edge)
