"""What the cache fetches before visitors ask: releases that become live, previews, in every encoding, and no more than allowed."""

from __future__ import annotations

from collections.abc import Iterator
from threading import Thread

import pytest

from handshake.core.clock import SystemClock
from handshake.core.digest import Digest, digits
from handshake.drivers.varnish.cache import Admin
from handshake.release.manifest import Encoding, SiteContract
from handshake.site.traffic import ShownArrivals
from tests.live.faulty_regions import Fault
from tests.live.site_nodes import NODE, SiteNode, run_site_node
from tests.live.test_edge_shown import write_password

pytestmark = pytest.mark.live

CONTRACT = SiteContract(is_pretty=True, encodings=tuple(Encoding))
MOST = 80
FIRST = 64
WAIT_SECONDS = 10.0


@pytest.fixture(scope="module")
def running() -> Iterator[SiteNode]:
    """Run a node that may fetch a few more documents ahead than a flip waits for."""
    mounts = {name: f"/{name}" for name in ("calls", "large", "back")}
    with run_site_node(mounts, edge_toml=f"[cache]\nwarm_documents = {MOST}") as node:
        yield node


@pytest.fixture
def node(running: SiteNode) -> Iterator[SiteNode]:
    """Return the node, its regions healthy before and after."""
    yield running
    for region in running.regions:
        region.fault = Fault.NONE


def break_regions(node: SiteNode) -> None:
    """Let every region refuse everything."""
    for region in node.regions:
        region.fault = Fault.FAILING


def fetched(node: SiteNode, release: Digest) -> set[str]:
    """Return the documents of a release that the first region was asked for."""
    found = (seen.path.rpartition("/")[2] for seen in node.regions[0].seen if digits(release) in seen.path)
    return {name for name in found if name.startswith("page-")}


def test_a_preview_is_whole_in_an_outage(node: SiteNode) -> None:
    """Once a preview's verb has ended, its first visitor gets it in whatever encoding, though every region is down."""
    live, shown = (node.publish("calls", {"index.html": version}, CONTRACT) for version in ("live", "shown"))
    node.settle("calls", live)
    preview = node.traffics.preview(
        "calls", shown, name="new-look", password="secret", seconds=60, owner="ada", reason="a look"
    )
    arrivals = ShownArrivals(node.catalog, SystemClock(), (NODE,))
    agent = Thread(target=node.turn)
    agent.start()
    arrival = arrivals.wait(node.traffics.read().revision, WAIT_SECONDS, lambda _: None)
    agent.join()
    assert (arrival.has_arrived, arrival.serving) == (True, (f"cache@{NODE}",))
    break_regions(node)
    host = {"Host": f"{preview.label}.preview.example.org", "Authorization": write_password("secret")}
    for accepted in ("br", "zstd", "identity"):
        answer = node.edge.ask("/calls/", headers={**host, "Accept-Encoding": accepted})
        assert answer.body == ("shown" if accepted == "identity" else f"{accepted}:shown")
    node.traffics.end_preview(preview.label, owner="ada")
    node.turn()
    assert arrivals.wait(node.traffics.read().revision, 0, lambda _: None).has_arrived
    assert node.edge.ask("/calls/", headers=host).status == 404


def test_a_large_site_is_fetched_on_once_it_is_shown(node: SiteNode) -> None:
    """A flip waits for the first documents alone; the rest follow, up to what the policy allows."""
    pages = {f"page-{number:03}.html": f"page {number}" for number in range(MOST + 20)}
    release = node.publish("large", pages, CONTRACT)
    node.settle("large", release)
    assert set() < fetched(node, release) <= set(sorted(pages)[:FIRST])
    while node.cache.go_on_warming().is_waiting:
        pass
    assert fetched(node, release) == set(sorted(pages)[:MOST])
    break_regions(node)
    assert node.edge.ask(f"/large/page-{MOST - 1:03}").body == f"page {MOST - 1}"
    assert node.edge.ask(f"/large/page-{MOST:03}").status == 503


def test_who_goes_back_waits_for_nothing(node: SiteNode) -> None:
    """A rollback fetches nothing before it is served; what the cache has lost meanwhile it fetches afterwards."""
    releases = [node.publish("back", {"page-1.html": version}, CONTRACT) for version in ("old", "new")]
    for release in releases:
        node.settle("back", release)
    for region in node.regions:
        region.seen.clear()
    Admin(node.edge.folder / "cache" / "varnishd").ask("ban", "obj.status", "!=", "0")
    node.move("back", releases[0], is_urgent=True)
    node.turn()
    assert fetched(node, releases[0]) == set()
    while node.cache.go_on_warming().is_waiting:
        pass
    assert fetched(node, releases[0]) == {"page-1.html"}
    break_regions(node)
    assert node.edge.ask("/back/page-1").body == "old"
