"""An edge with 150 sites: how fast a pointer's move is served, and how fast the edge begins again."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace

import pytest

from handshake.config.reader import parse_settings
from handshake.edge.cache.compile.target import ReleaseRoute, SiteRoute
from handshake.edge.cache.compile.warming import plan_warming
from handshake.edge.policy.policy import build_policy
from handshake.edge.policy.settings import EdgeSettings
from handshake.release.manifest import Encoding, RedirectRule, SiteContract
from tests.live.edges import Edge, run_edge, run_varnish
from tests.live.faulty_regions import Fault, FaultyRegion

pytestmark = pytest.mark.live

NEW, OLD = "a" * 64, "b" * 64
CONTRACT = SiteContract(
    assets=("assets/",),
    is_pretty=True,
    not_found="404.html",
    encodings=tuple(Encoding),
    redirects=tuple(
        RedirectRule(pattern=f"/old/{number}", target=f"/{number}", status=301, is_forced=True)
        for number in range(20)
    ),
)
SITES = tuple(
    SiteRoute(
        name=f"site-{number}",
        mount=f"/site-{number}" if number % 10 else f"/nested/site-{number}",
        live=ReleaseRoute(release=NEW, contract=CONTRACT),
    )
    for number in range(150)
)
ROLLBACK_SECONDS, COLD_START_SECONDS = 3.0, 10.0


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    """Run an edge with 150 sites, two releases of each in both regions."""
    policy = build_policy(parse_settings(EdgeSettings, "", shown_as="edge.toml"))
    regions = FaultyRegion(), FaultyRegion()
    for region in regions:
        for site in SITES:
            for release in (NEW, OLD):
                text = {
                    "index.html": f"{site.name} {release[0]}",
                    "about.html": "about",
                    "style.css": release[0],
                }
                region.publish(site.name, release, text, CONTRACT)
    with run_edge(policy, SITES, "", regions=regions) as running:
        yield running


def test_every_site_is_found(edge: Edge) -> None:
    """Each of 150 mounts leads to its own site."""
    for site in SITES:
        assert edge.ask(f"{site.mount}/").body == f"{site.name} a"
        assert edge.ask(f"{site.mount}/old/7").headers["location"] == f"{site.mount}/7"
    assert edge.ask("/site-1500/").status == 404
    assert edge.ask("/nested/").status == 404


def test_rolling_back_finds_a_warm_cache(edge: Edge) -> None:
    """A pointer that goes back is served at once, from a cache that still holds the release.

    On a machine of its own it takes less than a second, which `script/bench site_routes` shows; others' load is let pass.
    """
    older = (replace(SITES[77], live=replace(SITES[77].live, release=OLD)), *SITES[:77], *SITES[78:])
    edge.cache.prepare("older", edge.print_cache(older))
    edge.cache.flip("older")
    assert edge.ask("/site-77/").body == "site-77 b"
    edge.cache.flip("first")
    edge.cache.discard_others("first")
    edge.regions[0].seen.clear()
    assert min(_roll_back(edge, older, attempt) for attempt in range(3)) < ROLLBACK_SECONDS
    assert not [seen for seen in edge.regions[0].seen if "/site-77/" in seen.path]
    edge.cache.flip("first")


def _roll_back(edge: Edge, older: tuple[SiteRoute, ...], attempt: int) -> float:
    """Go back from the live sites to the older ones; return the seconds until a visitor sees them."""
    edge.cache.flip("first")
    edge.cache.discard_others("first")
    started = time.monotonic()
    edge.cache.prepare(f"back-{attempt}", edge.print_cache(older))
    edge.cache.flip(f"back-{attempt}")
    assert edge.ask("/site-77/").body == "site-77 b"
    return time.monotonic() - started


def test_a_cold_start_takes_less_than_ten_seconds(edge: Edge) -> None:
    """A cache that is started again serves all sites within ten seconds, with nobody's help."""
    folder = edge.folder / "cold"
    folder.mkdir()
    with run_varnish(folder) as cache:
        cache.prepare("served", edge.print_cache())
        cache.flip("served")
    started = time.monotonic()
    with run_varnish(folder) as cache:
        assert cache.active() == "served"
        assert time.monotonic() - started < COLD_START_SECONDS


def test_a_warmed_release_is_whole_when_regions_fail(edge: Edge) -> None:
    """What was warmed before the flip is shown whole, in every encoding, while both regions are down."""
    news = replace(SITES[42], live=replace(SITES[42].live, release="c" * 64), previous_release=OLD)
    for region in edge.regions:
        assert isinstance(region, FaultyRegion)
        text = {"index.html": "page c", "about.html": "about c", "style.css": "style c"}
        region.publish(news.name, news.live.release, text, CONTRACT)
    plans = plan_warming(news.name, news.live, ("index.html", "about.html", "style.css"))
    requests = [request for plan in plans for request in plan]
    assert edge.cache.warm(requests) == len(requests) == 12
    edge.cache.prepare("news", edge.print_cache((news, *SITES[:42], *SITES[43:])))
    edge.cache.flip("news")
    for region in edge.regions:
        assert isinstance(region, FaultyRegion)
        region.fault = Fault.DOWN
    for path, shown in (("", "page c"), ("about", "about c"), ("style.css", "style c")):
        for accepted in ("", "br", "zstd"):
            answer = edge.ask(f"/site-42/{path}", headers={"Accept-Encoding": accepted} if accepted else {})
            assert answer.body == (f"{accepted}:{shown}" if accepted else shown)
            assert answer.headers["x-hs-release"] == "c" * 12
    for region in edge.regions:
        assert isinstance(region, FaultyRegion)
        region.fault = Fault.NONE
    edge.cache.flip("first")


def test_no_visitor_can_warm(edge: Edge) -> None:
    """What only the agent may say is taken off a visitor's request."""
    claims = {"X-HS-Warm": "yes", "X-HS-Site": "site-1", "X-HS-Release": OLD, "X-HS-Below": "/"}
    assert edge.ask("/nothing", headers=claims).status == 404
