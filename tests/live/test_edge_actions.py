"""Actions that answer or change what becomes of a request, at a running ingress and cache."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Iterator

import pytest

from handshake.edge.cache.cache import Purge
from handshake.edge.cache.compile.target import ReleaseRoute, SiteRoute
from handshake.edge.ingress.compile.maps import FOREVER, text_key
from tests.live.edges import Answer, Edge, run_edge
from tests.live.haproxies import wait_until
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

POLICY = """
[lists.agents]
kind = "text"
entries = ["Evil Bot/1.0 (+http://evil.example)"]
protected = ["Good Bot"]

[[rule]]
name = "everybody"
phase = "admit"
when = 'true'
[rule.headers]
request = { set = { X-Told = "100% \\"sure\\"" }, remove = ["X-Secret"] }
response = { set = { Strict-Transport-Security = "max-age=5" }, remove = ["X-Powered-By"] }

[[rule]]
name = "no-cookies"
phase = "admit"
when = 'request.path == "/bare" && request.cookie["keep"] == ""'
headers = { request = { remove = ["Cookie"] } }

[[rule]]
name = "still-cookies"
phase = "admit"
when = 'request.path == "/bare" && request.cookie["a-b"] != ""'
respond = { status = 409 }

[[rule]]
name = "agents"
phase = "admit"
when = 'request.user_agent in list.agents'
respond = { status = 403 }

[[rule]]
name = "agents-behind"
phase = "serve"
when = 'request.path == "/lists" && request.cookie["agent"] in list.agents'
respond = { status = 410 }

[[rule]]
name = "found-out"
phase = "admit"
when = '''
request.path == "/known" &&
(client.asn in [64496, 64497] || request.size > 5 || client.rate > 5 || request.cookie["a-b"] == "x, y")
'''
respond = { status = 418 }

[[rule]]
name = "found-out-behind"
phase = "serve"
when = '''
request.path == "/known-behind" &&
(client.asn in [64496, 64497] || request.size > 5 || client.rate > 5 || request.cookie["a-b"] == "x, y")
'''
respond = { status = 418 }

[[rule]]
name = "moved"
phase = "admit"
when = 'request.path.startsWith("/moved/")'
redirect = { to = "https://example.org/", keep_path = true, keep_query = true, status = 308 }

[[rule]]
name = "moved-with-query"
phase = "admit"
when = 'request.path == "/asked"'
redirect = { to = "/new?from=asked", keep_query = true, status = 303 }

[[rule]]
name = "late"
phase = "serve"
when = 'request.header["x-told"].contains("sure") && !(request.path == "/plain")'
[rule.headers]
request = { set = { X-Later = "yes" }, remove = ["X-Hidden"] }
response = { set = { X-Frame-Options = "DENY" }, remove = ["X-Origin"] }

[[rule]]
name = "moved-behind"
phase = "serve"
when = 'request.path.startsWith("/moved-behind/")'
redirect = { to = "https://example.org/", keep_path = true, keep_query = true, status = 308 }

[[rule]]
name = "moved-behind-with-query"
phase = "serve"
when = 'request.path == "/asked-behind"'
redirect = { to = "/new?from=asked", keep_query = true, status = 303 }

[[rule]]
name = "refused-behind"
phase = "serve"
when = 'request.path == "/refused"'
respond = { status = 451, reason = "No", headers = { X-Why = "law" }, body = "No.\\n" }

[[rule]]
name = "kept"
phase = "serve"
when = 'request.path.startsWith("/kept")'
cache = { ttl_seconds = 1, stale_if_error_seconds = 600, tags = ["kept", "all"] }

[[rule]]
name = "kept-while-fetched"
phase = "serve"
when = 'request.path == "/kept/graceful"'
cache = { ttl_seconds = 1, grace_seconds = 60 }

[[rule]]
name = "told-apart"
phase = "serve"
when = 'request.path.startsWith("/apart")'
cache = { ttl_seconds = 60, key = ['request.cookie["lang"]', 'request.cookie["size"]', "client.country"] }

[[rule]]
name = "never-kept"
phase = "serve"
when = 'request.path.startsWith("/kept/not")'
pass = {}

[[rule]]
name = "to-site"
phase = "serve"
when = 'request.path.startsWith("/site")'
route = { prefix = "/site", to = "/calls" }

[[rule]]
name = "to-service"
phase = "serve"
when = 'request.path == "/old-api"'
route = { to = "/api/new" }

[[rule]]
name = "hero"
phase = "serve"
when = 'request.path == "/hero"'
split = { arms = { control = 3, bold = 1, retired = 0 }, days = 2 }

[[rule]]
name = "hero-kept"
phase = "serve"
when = 'request.path == "/hero"'
cache = { ttl_seconds = 60 }

[[rule]]
name = "hero-bold"
phase = "serve"
when = 'request.arm["hero"] == "bold"'
route = { to = "/hero/bold" }
"""
SITES = (SiteRoute(name="calls", mount="/calls", live=ReleaseRoute(release="a" * 64)),)
HTML = {"Content-Type": "text/html"}
NEIGHBOUR = "127.0.0.40"
GERMAN = "127.0.0.60"


@pytest.fixture(scope="module")
def running() -> Iterator[Edge]:
    """Run one edge for all tests of this file."""
    with run_edge(
        read_text(POLICY), SITES, f"{GERMAN} DE\n", networks=f"{NEIGHBOUR} 64497\n127.0.0.41 64499\n"
    ) as edge:
        yield edge


@pytest.fixture
def edge(running: Edge) -> Edge:
    """Return the edge with everything up, and nothing at its origins."""
    for origin in (running.gateway, *running.regions):
        origin.files.clear()
        origin.seen.clear()
        origin.is_down = False
        origin.delay_seconds = 0.0
    return running


def told(edge: Edge, path: str, **headers: str) -> dict[str, str]:
    """Return the headers with which a request reaches the gateway."""
    edge.ask(path, headers=headers)
    return edge.gateway.seen[-1].headers


@pytest.mark.parametrize("where", ["", "-behind"])
def test_redirect_keeps_path_and_query(edge: Edge, where: str) -> None:
    """A redirect appends path and query to its target, where they are wanted."""

    def follow(path: str) -> tuple[int, str]:
        answer = edge.ask(path)
        return answer.status, answer.headers["location"]

    moved, asked = f"/moved{where}/a%20b", f"/asked{where}"
    assert follow(f"{moved}?x=1&y=%25") == (308, f"https://example.org{moved}?x=1&y=%25")
    assert follow(moved) == (308, f"https://example.org{moved}")
    assert follow(f"{moved}?") == (308, f"https://example.org{moved}")
    assert follow(f"{asked}?x=1") == (303, "/new?from=asked&x=1")
    assert follow(asked) == follow(f"{asked}?") == (303, "/new?from=asked")
    assert not edge.gateway.seen


def test_request_headers_are_set_and_taken_off(edge: Edge) -> None:
    """The origin sees what the rules of both phases have set, and not what they took off."""
    headers = told(edge, "/any", **{"X-Secret": "s", "X-Hidden": "h", "X-Told": "a lie", "X-Later": "no"})
    assert (headers["x-told"], headers["x-later"]) == ('100% "sure"', "yes")
    assert not {"x-secret", "x-hidden"} & headers.keys()
    assert "x-later" not in told(edge, "/plain")


def test_cookies_that_a_rule_took_off_are_gone(edge: Edge) -> None:
    """A later rule reads what an earlier one left of the cookies."""
    for cookie, status in (("a-b=1", 404), ("a-b=1; keep=1", 409)):
        assert edge.ask("/bare", headers={"Cookie": cookie}).status == status


@pytest.mark.parametrize("path", ["/cached", "/passed", "/missing", "/refused", "/moved-behind/x"])
def test_answer_headers_are_set_and_taken_off(edge: Edge, path: str) -> None:
    """What the rules say of the answer holds for cached ones, for passed ones and for the edge's own."""
    inside = {"X-Powered-By": "PHP/5", "X-Origin": "o", **HTML}
    edge.gateway.files["/cached"] = (200, {"Cache-Control": "max-age=60", **inside}, "x")
    edge.gateway.files["/passed"] = (200, {"Cache-Control": "no-store", **inside}, "x")
    for answer in (edge.ask(path), edge.ask(path)):
        assert (answer.headers["strict-transport-security"], answer.headers["x-frame-options"]) == (
            "max-age=5",
            "DENY",
        )
        assert not {"x-powered-by", "x-origin"} & answer.headers.keys()


def test_answer_at_the_ingress_has_its_headers_too(edge: Edge) -> None:
    """An answer of the ingress carries what an earlier rule has set."""
    refused = edge.ask(headers={"User-Agent": "Evil Bot/1.0 (+http://evil.example)"})
    assert (refused.status, refused.headers["strict-transport-security"]) == (403, "max-age=5")


def test_answer_at_the_cache(edge: Edge) -> None:
    """A rule of the cache answers with its headers and its body."""
    refused = edge.ask("/refused")
    assert (refused.status, refused.headers["x-why"], refused.body) == (451, "law", "No.\n")


def test_cached_for_as_long_as_the_rule_says(edge: Edge) -> None:
    """A rule's freshness counts for visitors with cookies too, whose cookies the origin does not see."""
    edge.gateway.files["/kept/a"] = (200, HTML, "first")
    first = edge.ask("/kept/a", headers={"Cookie": "session=1"})
    edge.gateway.files["/kept/a"] = (200, HTML, "second")
    assert first.headers["cache-control"] == "public, max-age=1"
    assert edge.ask("/kept/a", headers={"Cookie": "session=2"}).body == "first"
    assert "cookie" not in edge.gateway.seen[-1].headers
    wait_until(lambda: edge.ask("/kept/a").body == "second")


@pytest.mark.parametrize(
    "private",
    [{"Cache-Control": "private"}, {"Cache-Control": "max-age=60, no-store"}, {"Set-Cookie": "a=b"}],
)
def test_what_the_origin_keeps_private_stays_private(edge: Edge, private: dict[str, str]) -> None:
    """No rule makes the cache keep what the origin marks as one visitor's."""
    path = f"/kept/private/{next(iter(private.values())).partition('=')[0]}"
    edge.gateway.files[path] = (200, {**HTML, **private}, "mine")
    answer = edge.ask(path)
    edge.ask(path)
    assert len(edge.gateway.seen) == 2
    assert all(answer.headers[name.lower()] == value for name, value in private.items())


def test_a_change_is_not_called_public(edge: Edge) -> None:
    """A rule of caching does not report the answer to a POST."""
    edge.gateway.files["/kept/form"] = (200, HTML, "thanks")
    assert "cache-control" not in edge.ask("/kept/form", method="POST", body="x").headers


def test_stale_while_the_origin_is_down(edge: Edge) -> None:
    """Past its end a page is served while the origin is down, as long as the rule says."""
    edge.gateway.files["/kept/stale"] = (200, HTML, "old")
    edge.ask("/kept/stale")
    edge.gateway.is_down = True
    time.sleep(1.1)
    assert edge.ask("/kept/stale").body == "old"
    time.sleep(2.1)
    assert edge.ask("/kept/stale").body == "old"


def test_grace_while_a_page_is_fetched(edge: Edge) -> None:
    """Past its end a page is served at once while a new one is being fetched."""
    edge.gateway.files["/kept/graceful"] = (200, HTML, "old")
    edge.ask("/kept/graceful")
    edge.gateway.files["/kept/graceful"] = (200, HTML, "new")
    time.sleep(3.5)
    edge.gateway.delay_seconds = 0.3
    before = time.monotonic()
    assert edge.ask("/kept/graceful").body == "old"
    assert time.monotonic() - before < 0.25
    edge.gateway.delay_seconds = 0.0
    wait_until(lambda: edge.ask("/kept/graceful").body == "new")


def test_tags_are_purged(edge: Edge) -> None:
    """A page is forgotten by a tag that a rule gave it."""
    edge.gateway.files["/kept/tagged"] = (200, HTML, "first")
    edge.ask("/kept/tagged")
    assert edge.cache.forget(Purge(tags=("all",))) >= 1
    edge.gateway.files["/kept/tagged"] = (200, HTML, "second")
    assert edge.ask("/kept/tagged").body == "second"


def test_told_apart_by_the_key(edge: Edge) -> None:
    """Requests that differ in the key are cached apart; what the key does not name makes no difference."""
    edge.gateway.files["/apart"] = (200, HTML, "x")

    def fetches(cookie: str, source: str = "127.0.0.1") -> int:
        before = len(edge.gateway.seen)
        edge.ask("/apart", headers={"Cookie": cookie}, source=source)
        return len(edge.gateway.seen) - before

    assert fetches("a=1; lang=fr") == 1
    assert edge.gateway.seen[-1].headers["cookie"] == "lang=fr; size="
    assert fetches("lang=fr; a=2") == 0
    assert fetches("lang=de") == fetches("lang=fr", source=GERMAN) == fetches("") == 1
    assert fetches("lang=x|y; size=") == fetches("lang=x; size=y|") == 1


def test_pass_asks_each_time(edge: Edge) -> None:
    """What a rule passes is asked for each time, with the visitor's cookies, whatever other rules say."""
    edge.gateway.files["/kept/not"] = (200, {"Cache-Control": "max-age=60", **HTML}, "x")
    for _ in range(2):
        assert edge.ask("/kept/not", headers={"Cookie": "session=1"}).status == 200
    assert [its.headers["cookie"] for its in edge.gateway.seen] == ["session=1"] * 2


def test_route_to_a_site_and_to_a_service(edge: Edge) -> None:
    """A request is served from another path: a site's page, or what the gateway answers there."""
    for region in edge.regions:
        region.files[f"/sites/calls/{'a' * 64}/page.html"] = (200, HTML, "the site")
    edge.gateway.files["/api/new"] = (200, HTML, "the service")
    assert edge.ask("/site/page.html").body == "the site"
    assert edge.ask("/old-api?x=1").body == "the service"
    assert edge.gateway.seen[-1].path == "/api/new?x=1"


def visit(edge: Edge, cookie: str = "") -> Answer:
    """Visit the page that is split."""
    return edge.ask("/hero", headers={"Cookie": cookie} if cookie else {})


def test_split_by_weight(edge: Edge) -> None:
    """Visitors are dealt out by weight; each arm is fetched once, and an arm of weight 0 gets nobody new."""
    edge.gateway.files["/hero"] = (200, HTML, "control")
    edge.gateway.files["/hero/bold"] = (200, HTML, "bold")
    answers = [visit(edge) for _ in range(200)]
    counts = Counter(answer.body for answer in answers)
    assert 25 <= counts["bold"] <= 80
    assert counts["bold"] + counts["control"] == 200
    assert sorted(its.headers["x-arm-hero"] for its in edge.gateway.seen) == ["bold", "control"]
    attributes = "Path=/; Max-Age=172800; SameSite=Lax"
    assert {answer.headers["set-cookie"] for answer in answers} == {
        f"hs_arm_hero={arm}; {attributes}" for arm in ("bold", "control")
    }


def test_split_is_stable(edge: Edge) -> None:
    """A visitor keeps the arm of their cookie, a retired one too, and gets no second cookie; nonsense is dealt anew."""
    edge.gateway.files["/hero"] = (200, HTML, "control")
    edge.gateway.files["/hero/bold"] = (200, HTML, "bold")
    for arm, body in (("bold", "bold"), ("control", "control"), ("retired", "control")):
        answers = [visit(edge, f"x=1; hs_arm_hero={arm}") for _ in range(5)]
        assert {answer.body for answer in answers} == {body}
        assert all("set-cookie" not in answer.headers for answer in answers)
    assert visit(edge, "hs_arm_hero=evil").headers["set-cookie"].startswith("hs_arm_hero=")


def test_arms_cookie_stands_beside_the_origins(edge: Edge) -> None:
    """The cookie of an arm takes no cookie of the origin's away."""
    mine = {**HTML, "Set-Cookie": "session=1; HttpOnly"}
    edge.gateway.files["/hero"] = edge.gateway.files["/hero/bold"] = (200, mine, "x")
    raw = edge.send_raw(
        b"GET /hero HTTP/1.1\r\nHost: private\r\nCookie: a=b\r\nConnection: close\r\n\r\n"
    ).lower()
    assert raw.count(b"\r\nset-cookie: ") == 2
    assert b"\r\nset-cookie: session=1; httponly\r\n" in raw


def test_nobody_forges_an_arm(edge: Edge) -> None:
    """Arms come from the cookie alone: the headers that tell them are the edge's own."""
    for name in ("X-Arm-hero", "X-HS-Arm-hero", "X-HS-New-Arm-hero"):
        headers = told(edge, "/any", **{name: "bold"})
        assert name.lower() not in headers


def test_lists_of_texts(edge: Edge) -> None:
    """A text is listed as a whole, at the ingress and at the cache, unless the list protects it."""
    evil = "Evil Bot/1.0 (+http://evil.example)"

    def refused(agent: str) -> tuple[bool, bool]:
        ingress = edge.ask(headers={"User-Agent": agent}).status == 403
        return ingress, edge.ask("/lists", headers={"Cookie": f"agent={agent}"}).status == 410

    assert refused(evil) == (True, True)
    assert refused("Evil Bot/1.0") == refused("Good Bot") == (False, False)
    for agent in ("Good Bot", "Evil Bot/1.0"):
        edge.maps.put(edge.map_name("agents"), text_key(agent), str(FOREVER))
    assert refused("Evil Bot/1.0") == (True, True)
    assert refused("Good Bot") == (False, False)
    edge.maps.remove(edge.map_name("agents"), text_key(evil))
    assert refused(evil) == (False, False)


@pytest.mark.parametrize("path", ["/known", "/known-behind"])
def test_what_is_found_out_about_a_request(edge: Edge, path: str) -> None:
    """Network, announced size and cookies are known in both phases."""
    source = "127.0.0.50" if path == "/known" else "127.0.0.51"
    assert edge.ask(path, source=source).status == 404
    assert edge.ask(path, source=NEIGHBOUR).status == 418
    assert edge.ask(path, source="127.0.0.41").status == 404
    assert edge.ask(path, source=source, method="POST", body="12345").status == 404
    assert edge.ask(path, source=source, method="POST", body="123456").status == 418
    assert edge.ask(path, source=source, headers={"Cookie": "b=1; a-b=x, y; c"}).status == 418


@pytest.mark.parametrize("path", ["/known", "/known-behind"])
def test_rate_of_a_client(edge: Edge, path: str) -> None:
    """The rate counts a client's requests of the last seconds, including this one."""
    source = "127.0.0.52" if path == "/known" else "127.0.0.53"
    assert [edge.ask(path, source=source).status for _ in range(7)] == [404] * 5 + [418] * 2
