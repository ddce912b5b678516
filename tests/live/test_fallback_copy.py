"""The fallback copy at the real edge: shown once nothing that renders pages is left, and not before."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from handshake.config.reader import parse_settings
from handshake.edge.cache.compile.site_releases import CopyRoute
from handshake.edge.cache.compile.target import CacheTarget, RegionSocket, ReleaseRoute
from handshake.edge.cache.compile.vcl import compile_cache
from handshake.edge.policy.policy import build_policy
from handshake.edge.policy.settings import EdgeSettings
from handshake.release.manifest import SiteContract
from handshake.syntax.vcl import print_vcl
from tests.live.edges import Edge, run_edge

pytestmark = pytest.mark.live

RELEASE = "c" * 64
COPY = CopyRoute(
    name="fallback-copy",
    shown=ReleaseRoute(release=RELEASE, contract=SiteContract(is_pretty=True)),
    files=("index.html", "about.html", "static/style.css"),
)
FOLDER = f"/sites/fallback-copy/{RELEASE}"
PAGE = {"Content-Type": "text/html", "Cache-Control": "no-store"}


@pytest.fixture(scope="module")
def running() -> Iterator[Edge]:
    """Run an edge that has a copy, and no site."""
    policy = build_policy(parse_settings(EdgeSettings, "", shown_as="edge.toml"))
    with run_edge(policy, (), "") as edge:
        regions = tuple(RegionSocket(name=name, socket=str(edge.folder / f"{name}.sock")) for name in "ab")
        target = CacheTarget(gateway_socket=str(edge.folder / "gateway.sock"), regions=regions)
        edge.cache.prepare("copy", print_vcl(compile_cache(policy, target, (), copy=COPY)))
        edge.cache.flip("copy")
        yield edge


@pytest.fixture
def edge(running: Edge) -> Edge:
    running.gateway.is_down = False
    running.gateway.files = {path: (200, PAGE, f"live {path}") for path in ("/", "/about", "/donate")}
    for region in running.regions:
        region.is_down = False
        region.files = {
            f"{FOLDER}/{file}": (200, {"Content-Type": "text/html"}, f"copy of {file}") for file in COPY.files
        }
    return running


def test_while_the_pages_are_rendered_nobody_sees_the_copy(edge: Edge) -> None:
    """A page that can be rendered is rendered."""
    assert edge.ask("/about").body == "live /about"


@pytest.mark.parametrize("path", ["/", "/about", "/about?utm_source=x", "/static/style.css"])
def test_with_the_gateway_gone_the_copy_is_shown(edge: Edge, path: str) -> None:
    """A copied page, and what it loads, come from the regions; visitors' cookies make no difference."""
    edge.gateway.is_down = True
    answer = edge.ask(path, headers={"Cookie": "visitor=1"})
    assert answer.status == 200
    assert answer.body.startswith("copy of ")
    assert answer.headers["x-hs-release"] == RELEASE[:12]
    assert "max-age=0" in answer.headers["cache-control"]


def test_an_origin_that_only_fails_is_gone_too(edge: Edge) -> None:
    """An answer of 500 is not shown where there is a copy."""
    edge.gateway.files = {"/": (500, PAGE, "a stack trace")}
    assert edge.ask("/").body == "copy of index.html"


def test_what_was_not_copied_gets_the_fallback_page(edge: Edge) -> None:
    """A page without a copy, and a POST to one with a copy, get the honest answer."""
    edge.gateway.is_down = True
    assert edge.ask("/donate").status == 503
    assert edge.ask("/about", method="POST", body="x").status == 503


def test_once_the_gateway_is_back_so_are_the_pages(edge: Edge) -> None:
    """The copy is not kept in a page's place."""
    edge.gateway.is_down = True
    assert edge.ask("/about").body == "copy of about.html"
    edge.gateway.is_down = False
    assert edge.ask("/about").body == "live /about"
