"""What visitors see of a site when no region gives its live release."""

from __future__ import annotations

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from handshake.core.digest import Digest, digits
from handshake.release.manifest import Encoding, SiteContract
from tests.live.faulty_regions import Fault
from tests.live.site_nodes import SiteNode, run_site_node

pytestmark = pytest.mark.live

CONTRACT = SiteContract(is_pretty=True, encodings=tuple(Encoding))
ADDRESSES = {"index.html": "", "about.html": "about", "deep/index.html": "deep/", "style.css": "style.css"}
NOTHING_AHEAD = "[cache]\nwarm_documents = 0"


@pytest.fixture(scope="module")
def running() -> Iterator[SiteNode]:
    """Run a node whose cache fetches nothing ahead, so that it holds what visitors asked for and no more."""
    with run_site_node({"calls": "/calls", "back": "/back"}, edge_toml=NOTHING_AHEAD) as node:
        yield node


@pytest.fixture
def node(running: SiteNode) -> Iterator[SiteNode]:
    """Return the node, its regions healthy before and after."""
    yield running
    for region in running.regions:
        region.fault, region.spares = Fault.NONE, ""


def publish(node: SiteNode, site: str, version: str) -> Digest:
    """Publish every document with its version in it."""
    return node.publish(site, {path: f"{path} {version}" for path in ADDRESSES}, CONTRACT)


def break_regions(node: SiteNode, fault: Fault, *, spared: Digest) -> None:
    """Let every region fail with everything but one release."""
    for region in node.regions:
        region.fault, region.spares = fault, digits(spared)
        region.seen.clear()


def see(node: SiteNode, site: str) -> set[tuple[int, str, str]]:
    """Return status, version and release of every document, as visitors get them."""
    answers = [node.edge.ask(f"/{site}/{address}") for address in ADDRESSES.values()]
    return {(its.status, its.body.rpartition(" ")[2], its.headers.get("x-hs-release", "")) for its in answers}


@pytest.mark.parametrize(
    "fault",
    [Fault.DOWN, Fault.REFUSING, Fault.FAILING, Fault.BREAKING_OFF, Fault.LAGGING],
    ids=lambda its: str(its.name),
)
def test_the_release_before_is_shown_whole(node: SiteNode, fault: Fault) -> None:
    """A settled release that no region gives is replaced, in every document, by the settled one before it."""
    before, live = (publish(node, "calls", f"{fault.name}-{which}") for which in ("before", "live"))
    node.settle("calls", before)
    node.settle("calls", live)
    break_regions(node, fault, spared=before)
    assert see(node, "calls") == {(200, f"{fault.name}-before", digits(before)[:12])}
    assert all(any(digits(live) in seen.path for seen in region.seen) for region in node.regions)


def test_visitors_of_one_document_share_one_try(node: SiteNode) -> None:
    """While regions are silent, many visitors of one document wait once for all of them, not one after another."""
    before, live = (publish(node, "calls", which) for which in ("shared-before", "shared-live"))
    node.settle("calls", before)
    node.settle("calls", live)
    break_regions(node, Fault.SLOW, spared=before)
    with ThreadPoolExecutor(6) as visitors:
        answers = list(visitors.map(lambda _: node.edge.ask("/calls/about").body, range(6)))
    assert answers == ["about.html shared-before"] * 6
    asked = [seen.path for region in node.regions for seen in region.seen if digits(live) in seen.path]
    assert len(asked) == len(node.regions)


def test_going_back_leaves_what_stood_before(node: SiteNode) -> None:
    """After a rollback, an outage does not bring back the release that was rolled back."""
    first, second, third = (publish(node, "back", which) for which in ("first", "second", "third"))
    for release in (first, second, third, second):
        node.settle("back", release)
    break_regions(node, Fault.FAILING, spared=first)
    assert see(node, "back") == {(200, "first", digits(first)[:12])}
    break_regions(node, Fault.FAILING, spared=third)
    assert see(node, "back") == {(200, "first", digits(first)[:12])}, "what was shown is kept"
