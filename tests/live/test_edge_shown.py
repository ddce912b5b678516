"""What some visitors see of a site beside its live release: previews and splits, at the real edge."""

from __future__ import annotations

import base64
from collections.abc import Iterator

import pytest

from handshake.config.reader import parse_settings
from handshake.edge.cache.compile.target import PreviewRoute, ReleaseRoute, SiteRoute, SplitRoute
from handshake.edge.ingress.access_log import AccessLog
from handshake.edge.policy.policy import build_policy
from handshake.edge.policy.settings import EdgeSettings
from handshake.release.manifest import SiteContract
from handshake.site.traffic import count_arms, digest_credential
from tests.live.edges import Edge, run_edge
from tests.live.faulty_regions import FaultyRegion
from tests.live.haproxies import wait_until

pytestmark = pytest.mark.live

LIVE, OTHER = "a" * 64, "b" * 64
CALLS = SiteRoute(name="calls", mount="/calls", live=ReleaseRoute(release=LIVE))
SPLIT = SplitRoute(other=ReleaseRoute(release=OTHER), share=50, seconds=3600)
PREVIEW = PreviewRoute(
    label="new-look--calls",
    name="calls",
    mount="/calls",
    shown=ReleaseRoute(release=OTHER),
    credential=digest_credential("secret"),
)
HOST = "new-look--calls.preview.example.org"


def write_password(password: str) -> str:
    """Return the header that a browser sends."""
    return "Basic " + base64.b64encode(f"preview:{password}".encode()).decode()


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    """Run one edge with a preview beside the live release."""
    regions = FaultyRegion(), FaultyRegion()
    for region in regions:
        region.publish("calls", LIVE, {"index.html": "live"}, SiteContract())
        region.publish("calls", OTHER, {"index.html": "other"}, SiteContract())
    policy = build_policy(parse_settings(EdgeSettings, "", shown_as="edge.toml"))
    with run_edge(policy, (CALLS,), "", regions=regions) as running:
        running.cache.prepare("shown", running.print_cache((CALLS,), (PREVIEW,)))
        running.cache.flip("shown")
        yield running


def test_a_preview_wants_its_password(edge: Edge) -> None:
    """Without the password, or with another, nothing of the release is seen."""
    for given in ({}, {"Authorization": write_password("guess")}, {"X-HS-Credential": PREVIEW.credential}):
        answer = edge.ask("/calls/", headers={"Host": HOST, **given})
        assert (answer.status, "other" in answer.body) == (401, False)
        assert answer.headers["www-authenticate"] == 'Basic realm="preview", charset="UTF-8"'
        assert answer.headers["x-robots-tag"] == "noindex, nofollow"


def test_a_preview_shows_its_release(edge: Edge) -> None:
    """With the password, the release is shown under its own mount, and no search engine or cache keeps it."""
    known = {"Host": HOST, "Authorization": write_password("secret")}
    answer = edge.ask("/calls/", headers=known)
    assert (answer.status, answer.body, answer.headers["x-hs-release"]) == (200, "other", OTHER[:12])
    assert answer.headers["x-robots-tag"] == "noindex, nofollow"
    assert answer.headers["cache-control"] == "private, no-store"
    root = edge.ask("/", headers=known)
    assert (root.status, root.headers["location"]) == (302, "/calls/")
    capitals = edge.ask("/calls/", headers={**known, "Host": HOST.upper() + ":8080"})
    assert capitals.body == "other"
    assert edge.ask("/calls/").body == "live"


def test_a_host_of_no_preview_shows_nothing(edge: Edge) -> None:
    """A preview that has ended does not turn into the live site."""
    assert edge.ask("/calls/", headers={"Host": "gone--calls.preview.example.org"}).status == 404


def test_a_split(edge: Edge) -> None:
    """Visitors are divided, go on seeing what they saw first, and each answer is counted for its arm."""
    split = SiteRoute(name="calls", mount="/calls", live=CALLS.live, split=SPLIT)
    edge.cache.prepare("split", edge.print_cache((split,)))
    edge.cache.flip("split")
    seen = set()
    for _ in range(40):
        first = edge.ask("/calls/")
        cookie, _, attributes = first.headers["set-cookie"].partition(";")
        assert "Path=/calls/" in attributes
        assert first.headers["cache-control"] == "private, max-age=0, must-revalidate"
        assert "x-hs-arm" not in first.headers
        again = [edge.ask("/calls/", headers={"Cookie": f"x=y; {cookie}"}) for _ in range(2)]
        assert {each.body for each in again} == {first.body}
        assert not any("set-cookie" in each.headers for each in again)
        seen.add((cookie[-1], first.body))
    assert seen == {("a", "live"), ("b", "other")}
    log = AccessLog(edge.ingress.log)
    wait_until(
        lambda: sum(arm.requests for arm in count_arms(log.lines(0), {"calls": "/calls"})) == 120, lambda: ""
    )
    assert all(arm.requests and not arm.failures for arm in count_arms(log.lines(0), {"calls": "/calls"}))
    edge.cache.flip("shown")
