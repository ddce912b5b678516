"""Sites at the real edge: addresses, variants, queries, redirects, headers, and regions that fail."""

from __future__ import annotations

import gzip
import http.client
from collections.abc import Iterator, Mapping
from dataclasses import replace

import pytest

from handshake.config.reader import parse_settings
from handshake.edge.cache.compile.target import ReleaseRoute, SiteRoute, SiteShape
from handshake.edge.policy.policy import build_policy
from handshake.edge.policy.settings import EdgeSettings
from handshake.release.manifest import Encoding, HeaderRule, RedirectRule, RulesDialect, SiteContract
from tests.live.edges import STORAGE_MEGABYTES, Answer, Edge, run_edge
from tests.live.faulty_regions import Fault, FaultyRegion, encode

pytestmark = pytest.mark.live

NEW, OLD = "a" * 64, "b" * 64
PAGES = {
    "index.html": "home",
    "about.html": "about",
    "blog/index.html": "blog",
    "v1.2.html": "version",
    "LICENSE": "free",
    "404.html": "lost",
    "data.json": "{}",
    "caf\u00e9 (1).txt": "coffee",
    "assets/app.3f2a9b1c.js": "app",
}
CALLS = SiteContract(
    assets=("assets/",),
    is_pretty=True,
    not_found="404.html",
    query=("page", "lang"),
    encodings=tuple(Encoding),
    redirects=(
        RedirectRule(pattern="/old", target="/about", status=301, is_forced=True),
        RedirectRule(pattern="/shown", target="/about.html", status=200, is_forced=True),
        RedirectRule(pattern="/news/:year/*", target="/blog/:year/:splat", status=302, is_forced=False),
        RedirectRule(pattern="/blog/*", target="/about", status=301, is_forced=False),
        RedirectRule(pattern="/gone", target="/404.html", status=404, is_forced=True),
    ),
    headers=(
        HeaderRule(pattern="/*", sets=(("X-Frame-Options", "DENY"), ("X-A", "1"))),
        HeaderRule(pattern="/data.json", sets=(("X-A", "2"), ("Cache-Control", "public, max-age=60"))),
    ),
)
APP = SiteContract(fallback="index.html", is_pretty=True)
PLAIN = SiteContract()
SITES = (
    SiteRoute(
        name="calls", mount="/calls", live=ReleaseRoute(release=NEW, contract=CALLS), previous_release=OLD
    ),
    SiteRoute(
        name="app",
        mount="/app",
        live=ReleaseRoute(
            release=NEW,
            contract=APP,
            shape=SiteShape(has_bare=False, has_flat=False, has_folders=False, has_dotted=False),
        ),
    ),
    SiteRoute(name="plain", mount="/plain", live=ReleaseRoute(release=NEW, contract=PLAIN)),
)


@pytest.fixture(scope="module")
def running() -> Iterator[Edge]:
    """Run one edge for all tests of this file."""
    policy = build_policy(parse_settings(EdgeSettings, "", shown_as="edge.toml"))
    with run_edge(policy, SITES, "", regions=(FaultyRegion(), FaultyRegion())) as edge:
        yield edge


@pytest.fixture
def regions(running: Edge) -> tuple[FaultyRegion, FaultyRegion]:
    """Return the two regions, healthy and with every release."""
    first, second = running.regions
    assert isinstance(first, FaultyRegion)
    assert isinstance(second, FaultyRegion)
    for region in (first, second):
        region.fault, region.lags_behind = Fault.NONE, ""
        region.objects.clear()
        region.seen.clear()
        region.publish("calls", NEW, PAGES, CALLS)
        region.publish("app", NEW, {"index.html": "app", "favicon.ico": "icon"}, APP)
        region.publish("plain", NEW, PAGES, PLAIN)
    return first, second


def ask(edge: Edge, path: str, encoding: str = "", method: str = "GET", **headers: str) -> Answer:
    """Send one request; `if_none_match` stands for If-None-Match."""
    named = {name.replace("_", "-"): value for name, value in headers.items()}
    return edge.ask(
        path, method=method, headers={**named, **({"Accept-Encoding": encoding} if encoding else {})}
    )


def ask_bytes(edge: Edge, path: str, headers: Mapping[str, str]) -> tuple[int, dict[str, str], bytes]:
    """Send one request and return the body as it came."""
    connection = http.client.HTTPConnection("127.0.0.1", edge.port, timeout=10)
    try:
        connection.request("GET", path, headers=dict(headers))
        response = connection.getresponse()
        return (
            response.status,
            {name.lower(): value for name, value in response.getheaders()},
            response.read(),
        )
    finally:
        connection.close()


@pytest.mark.parametrize(
    ("path", "status", "found"),
    [
        ("/calls", 308, "/calls/"),
        ("/calls?a=b", 308, "/calls/?a=b"),
        ("/calls/", 200, "home"),
        ("/calls/index.html", 308, "/calls/"),
        ("/calls/about", 200, "about"),
        ("/calls/about.html?a=b", 308, "/calls/about?a=b"),
        ("/calls/about/", 308, "/calls/about"),
        ("/calls/blog", 308, "/calls/blog/"),
        ("/calls/blog/", 200, "blog"),
        ("/calls/blog/index.html", 308, "/calls/blog/"),
        ("/calls/v1.2", 200, "version"),
        ("/calls/LICENSE", 200, "free"),
        ("/calls/caf%C3%A9%20(1).txt", 200, "coffee"),
        ("/calls/caf%c3%a9%20%281%29.txt", 200, "coffee"),
        ("/calls/nothing", 404, "lost"),
        ("/calls/nothing.html", 404, "lost"),
        ("/calls/assets/app.3f2a9b1c.js", 200, "app"),
        ("/calls/assets/gone.js", 404, "Not Found\n"),
        ("/plain/about.html", 200, "about"),
        ("/plain/about", 404, "Not Found\n"),
        ("/plain/blog", 308, "/plain/blog/"),
        ("/plain/index.html", 200, "home"),
        ("/app/some/where", 200, "app"),
        ("/app/some/where/", 200, "app"),
        ("/app/favicon.ico", 200, "icon"),
        ("/app/missing.png", 404, "Not Found\n"),
        ("/calls/old?x=1", 301, "/calls/about?x=1"),
        ("/calls/old/", 301, "/calls/about"),
        ("/calls/shown", 200, "about"),
        ("/calls/news/2016/x", 302, "/calls/blog/2016/x"),
        ("/calls/blog/x", 301, "/calls/about"),
        ("/calls/gone", 404, "lost"),
        ("/calls/~br/about.html", 404, "Not Found\n"),
        ("/calls/~ada/", 404, "lost"),
        ("/other", 404, "missing 0"),
    ],
)
@pytest.mark.usefixtures("regions")
def test_an_address(running: Edge, path: str, status: int, found: str) -> None:
    """Each page has one address; what is no page leads there, is shown in its place, or is a real 404."""
    for _ in range(2):
        answer = ask(running, path)
        assert (answer.status, answer.headers.get("location", answer.body)) == (status, found)
        is_asset = "/assets/" in path and status == 200
        expected = "public, max-age=31536000, immutable" if is_asset else "public, max-age=0, must-revalidate"
        if status < 400 and path != "/calls" and not path.startswith("/calls?"):
            assert answer.headers["cache-control"] == expected
        elif status == 404 and path != "/other":
            assert answer.headers["cache-control"] == "no-store"


def test_an_app_is_fetched_once(running: Edge, regions: tuple[FaultyRegion, FaultyRegion]) -> None:
    """No region is asked for a path that an app without other pages reads itself."""
    ask(running, "/app/")
    regions[0].seen.clear()
    assert [ask(running, f"/app/route/{number}").body for number in range(3)] == ["app"] * 3
    assert regions[0].seen == []


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("gzip, deflate, br, zstd", "br"),
        ("gzip, zstd", "zstd"),
        ("gzip;q=0.5", "gzip"),
        ("GZIP", "gzip"),
        ("br;q=0, gzip", "gzip"),
        ("br; q=0.0,zstd;q=0.000 , gzip;q=0", ""),
        ("brotli", ""),
        ("", ""),
    ],
)
@pytest.mark.usefixtures("regions")
def test_a_variant(running: Edge, accepted: str, encoding: str) -> None:
    """The best encoding that a visitor accepts is sent, with a tag of its own, and is asked again by that."""
    given = {"Accept-Encoding": accepted or "identity"}
    status, headers, body = ask_bytes(running, "/calls/about", given)
    expected = encode(Encoding(encoding), "about") if encoding else b"about"
    assert (status, body, headers.get("content-encoding", "")) == (200, expected, encoding)
    assert headers["vary"] == "Accept-Encoding"
    again = ask_bytes(running, "/calls/about", {**given, "If-None-Match": headers["etag"]})
    assert (again[0], again[2], again[1]["etag"]) == (304, b"", headers["etag"])
    part = ask_bytes(running, "/calls/about", {**given, "Range": "bytes=1-2"})
    assert (part[0], part[2]) == (206, expected[1:3])


@pytest.mark.usefixtures("regions")
def test_each_variant_has_its_own_tag(running: Edge) -> None:
    """A tag of one variant says nothing of another."""
    tags = {
        ask_bytes(running, "/calls/data.json", {"Accept-Encoding": its})[1]["etag"]
        for its in ("br", "gzip", "x")
    }
    assert len(tags) == 3


def test_a_missing_variant(running: Edge, regions: tuple[FaultyRegion, FaultyRegion]) -> None:
    """Where the store has no variant, the file itself is sent."""
    for region in regions:
        region.objects = {key: body for key, body in region.objects.items() if "/~" not in key}
    region_path = f"/sites/calls/{NEW}/plain.txt"
    for region in regions:
        region.objects[region_path] = b"as it is"
    status, headers, body = ask_bytes(running, "/calls/plain.txt", {"Accept-Encoding": "br"})
    assert (status, body, "content-encoding" in headers) == (200, b"as it is", False)


@pytest.mark.usefixtures("regions")
def test_nothing_is_unpacked_on_the_way(running: Edge) -> None:
    """A gzip variant arrives as it was published."""
    _, headers, body = ask_bytes(running, "/calls/", {"Accept-Encoding": "gzip"})
    assert headers["content-encoding"] == "gzip"
    assert gzip.decompress(body) == b"home"


def test_query(running: Edge, regions: tuple[FaultyRegion, FaultyRegion]) -> None:
    """Only the parameters that a site names tell apart what is kept, in whatever order they come."""
    for query in (
        "?utm_source=a",
        "?fbclid=b&gclid=c",
        "",
        "?x=1&page=2&lang=de",
        "?lang=de&page=2&utm_medium=y",
    ):
        assert ask(running, f"/calls/v1.2{query}").body == "version"
    asked = [seen.path for seen in regions[0].seen if "v1.2" in seen.path]
    assert not [path for path in asked if "?" in path]
    assert asked.count(f"/sites/calls/{NEW}/v1.2.html") <= 2


@pytest.mark.usefixtures("regions")
def test_headers(running: Edge) -> None:
    """Rules for headers are gathered in their order; what a failure may be kept for is the edge's to say."""
    answer = ask(running, "/calls/data.json")
    assert (answer.headers["x-a"], answer.headers["x-frame-options"]) == ("1, 2", "DENY")
    assert answer.headers["cache-control"] == "public, max-age=60"
    missing = ask(running, "/calls/none")
    assert (missing.headers["x-a"], missing.headers["cache-control"]) == ("1", "no-store")
    assert "x-a" not in ask(running, "/plain/data.json").headers


@pytest.mark.parametrize("fault", [fault for fault in Fault if fault is not Fault.NONE])
def test_region_a_fails(running: Edge, regions: tuple[FaultyRegion, FaultyRegion], fault: Fault) -> None:
    """However region A fails, visitors get the whole file from region B."""
    regions[0].fault, regions[0].lags_behind = fault, NEW
    for region in regions:
        region.objects[f"/sites/calls/{NEW}/{fault.name}.txt"] = fault.name.encode() * 100
    answer = ask(running, f"/calls/{fault.name}.txt")
    assert (answer.status, answer.body) == (200, fault.name * 100)
    assert ask(running, f"/calls/{fault.name}-none.txt").status == 404


@pytest.mark.parametrize(
    "faults",
    [
        (Fault.DOWN, Fault.DOWN),
        (Fault.REFUSING, Fault.REFUSING),
        (Fault.FAILING, Fault.BREAKING_OFF),
        (Fault.LAGGING, Fault.DOWN),
        (Fault.REFUSING, Fault.FAILING),
    ],
    ids=lambda faults: "-".join(fault.name for fault in faults),
)
def test_both_regions_fail(
    running: Edge, regions: tuple[FaultyRegion, FaultyRegion], faults: tuple[Fault, Fault]
) -> None:
    """What is kept is shown, then the release before, then the fallback page; nobody is told that a page is gone."""
    name = "-".join(fault.name for fault in faults)
    kept, before, never = (f"{kind}-{name}.txt" for kind in ("kept", "before", "never"))
    for region in regions:
        region.objects[f"/sites/calls/{NEW}/{kept}"] = b"kept"
        region.objects[f"/sites/calls/{OLD}/{before}"] = b"before"
        for path in (before, never):
            region.objects[f"/sites/calls/{NEW}/{path}"] = b"new"
    assert ask(running, f"/calls/{kept}").body == "kept"
    live = SITES[0].live
    older = replace(SITES[0], live=replace(live, release=OLD), previous_release=None)
    running.cache.prepare(f"older-{name}", running.print_cache((older, *SITES[1:])))
    running.cache.flip(f"older-{name}")
    assert ask(running, f"/calls/{before}").body == "before"
    running.cache.flip("first")
    for region, fault in zip(regions, faults, strict=True):
        region.fault, region.lags_behind = fault, NEW
    assert ask(running, f"/calls/{kept}").body == "kept"
    shown = ask(running, f"/calls/{before}")
    assert (shown.status, shown.body, shown.headers["x-hs-release"]) == (200, "before", OLD[:12])
    lost = ask(running, f"/calls/{never}")
    assert (lost.status, lost.headers["cache-control"]) == (503, "no-store")


def test_cloudflare_counts_slashes(running: Edge, regions: tuple[FaultyRegion, FaultyRegion]) -> None:
    """A site of the other dialect is read as that dialect says."""
    rules = (
        RedirectRule(pattern="/a/", target="/b", status=302, is_forced=True),
        RedirectRule(pattern="/x/*/z", target="https://example.org/:splat", status=307, is_forced=True),
    )
    contract = SiteContract(dialect=RulesDialect.CLOUDFLARE, redirects=rules)
    route = SiteRoute(name="flare", mount="/", live=ReleaseRoute(release=NEW, contract=contract))
    for region in regions:
        region.publish("flare", NEW, {"a": "a", "index.html": "i"}, contract)
    running.cache.prepare("flare", running.print_cache((*SITES, route)))
    running.cache.flip("flare")
    try:
        assert ask(running, "/a").body == "a"
        assert ask(running, "/a/").headers["location"] == "/b"
        assert ask(running, "/x/1/2/z?q").headers["location"] == "https://example.org/1/2?q"
        assert ask(running, "/").body == "i"
    finally:
        running.cache.flip("first")


def test_a_file_larger_than_the_cache(running: Edge, regions: tuple[FaultyRegion, FaultyRegion]) -> None:
    """A file that the cache has no room for reaches every visitor whole."""
    size = (STORAGE_MEGABYTES + 8) * 1024 * 1024
    for region in regions:
        region.publish("plain", NEW, {"film.bin": "x" * size}, PLAIN)
    for _ in range(2):
        answer = ask(running, "/plain/film.bin")
        assert (answer.status, len(answer.body)) == (200, size)
