"""No private page is ever kept for somebody else, and nobody can put a page of theirs where others look."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live.edges import Edge, run_edge
from tests.live.haproxies import wait_until
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

KEPT = {"Content-Type": "text/html", "Cache-Control": "public, max-age=600"}
SECRET = "alice's account"


@pytest.fixture(scope="module")
def running() -> Iterator[Edge]:
    """Run one edge for all tests of this file."""
    with run_edge(read_text(""), (), "") as edge:
        yield edge


@pytest.fixture
def edge(running: Edge) -> Edge:
    """Return the edge with an origin that says nothing yet."""
    running.gateway.files.clear()
    running.gateway.seen.clear()
    return running


def asks_again(edge: Edge, path: str, **second: str) -> bool:
    """Ask twice, the second time with other headers, and return whether the origin was asked both times."""
    edge.ask(path)
    edge.gateway.seen.clear()
    edge.ask(path, headers={name.replace("_", "-"): value for name, value in second.items()})
    return bool(edge.gateway.seen)


@pytest.mark.parametrize(
    "header",
    [
        "X-Forwarded-Host",
        "X-Forwarded-Proto",
        "X-Forwarded-Scheme",
        "X-Original-URL",
        "X-Rewrite-URL",
        "X-Host",
    ],
)
def test_what_is_no_part_of_the_name_does_not_reach_the_origin(edge: Edge, header: str) -> None:
    """A header that a service might put into its page, and by which the cache tells nothing apart, is taken off."""
    path = f"/unkeyed-{header.lower()}"
    edge.gateway.files[path] = (200, KEPT, "page")
    edge.ask(path, headers={header: "evil.example"})
    assert "evil.example" not in str(edge.gateway.seen[0].headers)
    assert not asks_again(edge, path)


def test_method_override_is_taken_off(edge: Edge) -> None:
    """A GET cannot be made something else behind the cache's back."""
    for header in ("X-HTTP-Method-Override", "X-Method-Override", "X-HTTP-Method"):
        edge.ask(f"/override-{header}", headers={header: "DELETE"})
        assert "DELETE" not in str(edge.gateway.seen[-1].headers)


def test_a_get_loses_its_body(edge: Edge) -> None:
    """What a GET says in a body cannot make a page that others are shown."""
    edge.gateway.files["/fat"] = (200, KEPT, "page")
    edge.ask("/fat", headers={"Content-Length": "4"}, body="evil")
    assert "content-length" not in edge.gateway.seen[0].headers
    assert "transfer-encoding" not in edge.gateway.seen[0].headers


@pytest.mark.parametrize("header", ["Cookie", "Authorization"])
def test_who_is_known_is_asked_for_alone(edge: Edge, header: str) -> None:
    """The answer to a visitor who says who they are is kept for nobody, whatever the origin says."""
    path = f"/known-{header}"
    edge.gateway.files[path] = (200, KEPT, SECRET)
    assert edge.ask(path, headers={header: "alice"}).body == SECRET
    edge.gateway.seen.clear()
    edge.ask(path)
    assert len(edge.gateway.seen) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/account/x.css",
        "/account;x.css",
        "/account;a=b/x.css",
        "/account%3bx.css",
        "/account%23.css",
        "/account.css?utm_content=1;x=2",
    ],
)
def test_a_name_that_looks_static_keeps_nothing(edge: Edge, path: str) -> None:
    """A private page under an address that looks like a style sheet's is as private as it ever was."""
    edge.gateway.files[path.partition("?")[0]] = (200, {"Content-Type": "text/html"}, SECRET)
    assert edge.ask(path, headers={"Cookie": "alice"}).body == SECRET
    assert asks_again(edge, path)


@pytest.mark.parametrize(
    "path",
    [
        "/account%2fx.css",
        "/account%00.css",
        "/static/..%2faccount",
        "/static/%2e%2e/account",
        "/a/../account",
    ],
)
def test_a_path_with_two_readings_is_refused(edge: Edge, path: str) -> None:
    """What a service could read as another path than the cache does not come through."""
    assert edge.ask(path).status == 400
    assert not edge.gateway.seen


def test_parameters_are_part_of_the_name(edge: Edge) -> None:
    """Nothing of a query is left out of a page's name, so no parameter can be hidden from the cache."""
    edge.gateway.files["/search"] = (200, KEPT, "page")
    for query in ("q=a", "q=a;q=b", "q=a&q=b", "Q=a", "utm_content=1&q=a", "q=a%26q=b"):
        edge.ask(f"/search?{query}")
    assert len(edge.gateway.seen) == 6


def test_hosts_are_told_apart(edge: Edge) -> None:
    """One host's page is not another's, however the name is written."""
    edge.gateway.files["/host"] = (200, KEPT, "page")
    for host in ("a.example", "b.example", "a.example:81", "A.EXAMPLE"):
        edge.ask("/host", headers={"Host": host})
    assert len(edge.gateway.seen) == 3


@pytest.mark.parametrize("status", [400, 401, 403, 405, 413, 429, 500, 502, 503])
def test_refusals_are_not_kept(edge: Edge, status: int) -> None:
    """An origin's refusal of one visitor is not shown to the next, where the origin does not say so."""
    path = f"/refused-{status}"
    edge.gateway.files[path] = (status, {"Content-Type": "text/plain"}, "no")
    assert asks_again(edge, path)


@pytest.mark.parametrize("status", [500, 502, 503])
def test_failures_are_not_kept_even_if_marked(edge: Edge, status: int) -> None:
    """A failure that the origin marks as cacheable is not kept."""
    path = f"/failed-{status}"
    edge.gateway.files[path] = (status, KEPT, "no")
    assert asks_again(edge, path)


def test_oversize_headers_poison_nothing(edge: Edge) -> None:
    """A request that is too large is refused, and the page is there for the next visitor."""
    edge.gateway.files["/large"] = (200, KEPT, "page")
    assert edge.ask("/large", headers={"X-Large": "x" * 60_000}).status in {400, 413, 431}
    assert (edge.ask("/large").status, len(edge.gateway.seen)) == (200, 1)


def test_range_of_a_kept_page(edge: Edge) -> None:
    """A part that one visitor asks for is not what the next one gets."""
    edge.gateway.files["/part"] = (200, KEPT, "0123456789")
    assert edge.ask("/part", headers={"Range": "bytes=2-4"}).status in {200, 206}
    whole = edge.ask("/part")
    assert (whole.status, whole.body) == (200, "0123456789")


def test_not_modified_about_another_page(edge: Edge) -> None:
    """A 304 that names another ETag than was asked about does not renew the page that is kept."""
    old = {**KEPT, "Age": "599", "ETag": '"1"'}
    edge.gateway.files["/tagged"] = (200, old, "old")
    assert edge.ask("/tagged").body == "old"
    edge.gateway.files["/tagged"] = (304, {"ETag": '"2"', "Cache-Control": "max-age=600"}, "")
    wait_until(lambda: bool(edge.ask("/tagged")) and len(edge.gateway.seen) > 1)
    asked = [seen.headers.get("if-none-match") for seen in edge.gateway.seen]
    assert asked[1] == '"1"'
    assert None in asked[2:]


@pytest.mark.parametrize(
    "headers",
    [
        {"Vary": "*"},
        {"Vary": "Accept, *"},
        {"Cache-Control": "private, max-age=600"},
        {"Cache-Control": 'max-age=600, private="x"'},
        {"Cache-Control": "max-age=600, no-store"},
        {"Cache-Control": "NO-CACHE, max-age=600"},
        {"Surrogate-Control": "no-store"},
    ],
    ids=str,
)
def test_what_is_marked_private_is_not_kept(edge: Edge, headers: dict[str, str]) -> None:
    """Whatever way an origin says that a page is for one visitor, the cache obeys."""
    path = "/private-" + "".join(filter(str.isalnum, str(headers)))
    edge.gateway.files[path] = (200, {**KEPT, **headers}, SECRET)
    assert asks_again(edge, path)


def test_kept_pages_carry_no_cookie(edge: Edge) -> None:
    """A cookie that the origin sets on a page it marks as public reaches nobody, the first visitor included."""
    edge.gateway.files["/cookie"] = (200, {**KEPT, "Set-Cookie": "session=alice"}, "page")
    assert ["set-cookie" in edge.ask("/cookie").headers for _ in range(2)] == [False, False]


def test_variants_are_told_apart(edge: Edge) -> None:
    """Visitors who differ in what the origin names in Vary are not shown each other's page."""
    edge.gateway.files["/varied"] = (200, {**KEPT, "Vary": "X-Tenant"}, "page")
    for tenant in ("a", "b", "a"):
        edge.ask("/varied", headers={"X-Tenant": tenant})
    assert len(edge.gateway.seen) == 2
