"""The compiled edge against real programs: HAProxy as the ingress, Varnish as the cache."""

from __future__ import annotations

import json
import subprocess
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_network
from pathlib import Path

import pytest

from handshake.config.reader import parse_settings
from handshake.core.errors import RefusedError
from handshake.edge.cache.compile.target import ReleaseRoute, SiteRoute
from handshake.edge.ingress.compile.maps import FOREVER, SWITCHES_MAP
from handshake.edge.policy.policy import build_policy
from handshake.edge.policy.request import NAMES, LiveData, Request
from handshake.edge.policy.settings import EdgeSettings
from handshake.release.manifest import SiteContract
from tests.cel_oracle import judge_by_cel
from tests.live.edges import DIGEST, Edge, run_edge, run_varnish
from tests.live.haproxies import wait_until

pytestmark = pytest.mark.live

CAMPAIGN = Path(__file__).parents[2] / "examples" / "campaign" / "edge.toml"
PROXY = "127.0.0.2"
GERMAN = "127.0.0.60"
TESTER = "127.0.0.5"
NEW, OLD = "a" * 64, "b" * 64
SITES = (
    SiteRoute(
        name="calls",
        mount="/calls",
        live=ReleaseRoute(release=NEW, contract=SiteContract(assets=("assets/",))),
        previous_release=OLD,
    ),
    SiteRoute(name="deep", mount="/calls/deep", live=ReleaseRoute(release=NEW)),
)
COUNTRIES = f"{GERMAN} DE\n203.0.113.0/24 US\n198.51.100.0/24 FR\n"
HTML = {"Content-Type": "text/html"}


def write_policy() -> str:
    """Return the campaign's own policy, with one trusted proxy."""
    return CAMPAIGN.read_text().replace("trusted_proxies = []", f'trusted_proxies = ["{PROXY}"]')


@pytest.fixture(scope="module")
def running() -> Iterator[Edge]:
    """Run one edge for all tests of this file."""
    policy = build_policy(parse_settings(EdgeSettings, write_policy(), shown_as="edge.toml"))
    with run_edge(policy, SITES, COUNTRIES) as edge:
        yield edge


@pytest.fixture
def edge(running: Edge) -> Edge:
    """Return the edge with everything up, off and empty."""
    for origin in (running.gateway, *running.regions):
        origin.files.clear()
        origin.seen.clear()
        origin.is_down = False
        origin.delay_seconds = 0.0
    for name in ("wall", "card_testers"):
        running.maps.replace(running.map_name(name), {})
    turn(running, "non_us_ban", is_on=False)
    return running


def turn(edge: Edge, switch: str, *, is_on: bool) -> None:
    """Turn a switch at the ingress."""
    edge.maps.replace(str(edge.folder / "maps" / SWITCHES_MAP), {switch: str(FOREVER)} if is_on else {})


def put(edge: Edge, name: str, client: str, until: float = FOREVER) -> None:
    """Put a client on a list."""
    edge.maps.put(edge.map_name(name), client, str(int(until)))


def read_log(edge: Edge, request_id: str) -> dict[str, object]:
    """Return the access log's line about one request."""

    def find() -> list[str]:
        return [line for line in edge.ingress.log.read_text().splitlines() if request_id in line]

    wait_until(lambda: bool(find()))
    found: dict[str, object] = json.loads(find()[0])
    return found


def test_running_worker_proves_what_it_serves(edge: Edge) -> None:
    """The running ingress gives back the digest that it was compiled with."""
    assert edge.ingress.runtime.info().description == DIGEST


def test_wall(edge: Edge) -> None:
    """A client put on the wall is refused at once, and let in again when taken off."""
    assert edge.ask(source="127.0.0.9").status == 404
    put(edge, "wall", "127.0.0.8/31")
    banned = edge.ask(source="127.0.0.9")
    assert (banned.status, banned.body) == (403, "Bad Taco.\n")
    edge.maps.remove(edge.map_name("wall"), "127.0.0.8/31")
    assert edge.ask(source="127.0.0.9").status == 404


def test_lease_ends_by_itself(edge: Edge) -> None:
    """A ban whose lease has ended bans nobody, with no program having taken it away."""
    put(edge, "wall", "127.0.0.9", time.time() - 1)
    assert edge.ask(source="127.0.0.9").status == 404


def test_protected_client_is_never_banned(edge: Edge) -> None:
    """Whom a list protects gets in, even when a network that holds them is banned."""
    put(edge, "wall", "127.0.0.0/8")
    assert edge.ask(source="127.0.0.9").status == 403
    assert edge.ask(source="127.0.0.1").status == 404


def test_switch_for_traffic_from_abroad(edge: Edge) -> None:
    """With the switch on, known foreigners are kept out with an honest page; citizens and unknown ones get in."""
    assert edge.ask(source=GERMAN).status == 404
    turn(edge, "non_us_ban", is_on=True)
    refused = edge.ask(source=GERMAN)
    assert refused.status == 403
    assert "Not available" in refused.body
    assert edge.ask(source="127.0.0.9").status == 404
    assert edge.ask(source=PROXY, headers={"X-Forwarded-For": "203.0.113.7"}).status == 404


def test_decoy_is_plausible_and_stable_under_replay(edge: Edge) -> None:
    """A card tester gets 201 and 402 by what is sent, the same for the same request, and reaches no service."""
    put(edge, "card_testers", TESTER)

    def donate(number: int, source: str = TESTER) -> int:
        return edge.ask(
            "/api/hamm/donations", method="POST", source=source, body=json.dumps({"card": number})
        ).status

    answers = [donate(number) for number in range(24)]
    assert set(answers) == {201, 402}
    assert answers == [donate(number) for number in range(24)]
    assert not edge.gateway.seen
    assert donate(0, source="127.0.0.9") == 404


def test_decoy_wears_the_headers_of_a_real_answer(edge: Edge) -> None:
    """A decoy has neither a header more nor one less than what the service answers."""
    put(edge, "card_testers", TESTER)
    path = "/api/hamm/donations"
    edge.gateway.files[path] = (201, {"Content-Type": "application/json"}, "{}")
    real, decoy = (
        edge.ask(path, method="POST", source=source, body="{}") for source in ("127.0.0.9", TESTER)
    )
    assert set(real.headers) == set(decoy.headers)


def test_wordpress_user_agent(edge: Edge) -> None:
    """The cache refuses WordPress pingbacks, and the ingress's log names the rule."""
    refused = edge.ask(headers={"User-Agent": "WordPress/4.6"})
    assert (refused.status, refused.body) == (403, "Forbidden \N{TACO}\n")
    assert edge.ask(headers={"User-Agent": "my WordPress"}).status == 404
    logged = read_log(edge, refused.headers["x-request-id"])
    assert (logged["rule"], logged["cache"], logged["status"]) == ("wordpress-pingbacks", "synth", 403)


@pytest.mark.parametrize(
    "header",
    [
        *NAMES,
        "Fastly-FF",
        "Fastly-Client-IP",
        "CF-Connecting-IP",
        "X-Forwarded-For",
        "X_Forwarded_For",
        "X-HS-Client",
        "X-HS-Lists",
        "X-Original-URL",
        "X-Forwarded-Host",
    ],
)
def test_forged_identity(edge: Edge, header: str) -> None:
    """A header that claims an identity neither lifts a ban nor reaches a service with what the client wrote."""
    put(edge, "wall", "127.0.0.9")
    assert edge.ask(source="127.0.0.9", headers={header: "203.0.113.7"}).status == 403
    edge.ask(source="127.0.0.10", headers={header: "203.0.113.7"})
    assert "203.0.113.7" not in str(edge.gateway.seen[-1].headers)
    assert edge.gateway.seen[-1].headers["x-hs-client"] == "127.0.0.10"


def test_trusted_proxy_names_the_client(edge: Edge) -> None:
    """A trusted proxy's last word about the client counts, request by request on one connection."""
    put(edge, "wall", "203.0.113.7")
    entries = ("203.0.113.7", "203.0.113.8", "203.0.113.8, 203.0.113.7", "203.0.113.7, 203.0.113.8")
    requests = [f"GET / HTTP/1.1\r\nHost: x\r\nX-Forwarded-For: {entry}\r\n\r\n" for entry in entries]
    requests[-1] = requests[-1].replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n")
    answers = edge.send_raw("".join(requests).encode(), source=PROXY).split(b"HTTP/1.1 ")[1:]
    assert [answer[:3] for answer in answers] == [b"403", b"404", b"403", b"404"]


@pytest.mark.parametrize(
    "path",
    ["/a/../b", "/./b", "//b", "/a%2Fb", "/%61", "/a%2e%2e/b", "/a%00", "/a\\b", "/a/..;x/b"],
)
def test_paths_have_one_spelling(edge: Edge, path: str) -> None:
    """A path that could be spelt otherwise is refused before any rule reads it."""
    assert edge.ask(path).status == 400
    assert not edge.gateway.seen


@pytest.mark.parametrize(
    "head",
    [
        b"GET / HTTP/1.1\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n",
        b"GET / HTTP/1.1\r\nHost: a\r\nX: a\x00b\r\n",
    ],
)
def test_malformed_requests(edge: Edge, head: bytes) -> None:
    """No Host, two of them, or a NUL byte is answered 400."""
    assert edge.send_raw(head + b"Connection: close\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_site_routing(edge: Edge) -> None:
    """A mount leads to the live release, its assets to the shared folder, the longest mount wins."""
    edge.regions[0].files.update(
        {
            f"/sites/calls/{NEW}/index.html": (200, {**HTML, "Set-Cookie": "a=b"}, "calls"),
            f"/sites/calls/{NEW}/x/index.html": (200, HTML, "x"),
            "/sites/calls/assets/assets/app.1.js": (200, {"Content-Type": "text/javascript"}, "app"),
            f"/sites/deep/{NEW}/index.html": (200, HTML, "deep"),
        }
    )
    moved = edge.ask("/calls?a=b")
    assert (moved.status, moved.headers["location"]) == (308, "/calls/?a=b")
    document = edge.ask("/calls/?utm_source=x")
    assert (document.status, document.body) == (200, "calls")
    assert document.headers["cache-control"] == "public, max-age=0, must-revalidate"
    assert document.headers["x-hs-release"] == NEW[:12]
    assert not {"set-cookie", "via", "x-varnish", "server", "x-hs-cache", "x-hs-log-cache", "age"} & set(
        document.headers
    )
    asset = edge.ask("/calls/assets/app.1.js")
    assert (asset.body, asset.headers["cache-control"]) == ("app", "public, max-age=31536000, immutable")
    assert edge.ask("/calls/x/").body == "x"
    assert edge.ask("/calls/deep/").body == "deep"
    assert edge.ask("/calls/", method="POST", body="").status == 405


def test_site_is_cached_whatever_the_query(edge: Edge) -> None:
    """A file is fetched once, whatever query it is asked with, and the store learns nothing about the visitor."""
    edge.regions[0].files[f"/sites/calls/{NEW}/once.html"] = (200, HTML, "once")
    answers = [edge.ask(f"/calls/once.html?{number}", headers={"Cookie": "a=b"}) for number in range(3)]
    assert [answer.body for answer in answers] == ["once"] * 3
    assert len(edge.regions[0].seen) == 1
    assert not {"x-hs-client", "cookie", "x-forwarded-for"} & set(edge.regions[0].seen[0].headers)
    caches = [read_log(edge, answer.headers["x-request-id"])["cache"] for answer in answers]
    assert caches == ["miss", "hit", "hit"]


def test_unchanged_document(edge: Edge) -> None:
    """A browser that has the document is told so, without its body; HEAD gets the head alone."""
    edge.regions[0].files[f"/sites/calls/{NEW}/etag.html"] = (200, {**HTML, "ETag": '"1"'}, "etag")
    whole = edge.ask("/calls/etag.html")
    again = edge.ask("/calls/etag.html", headers={"If-None-Match": whole.headers["etag"]})
    assert (again.status, again.body) == (304, "")
    assert again.headers["cache-control"] == "public, max-age=0, must-revalidate"
    head = edge.ask("/calls/etag.html", method="HEAD")
    assert (head.status, head.body, head.headers["x-hs-release"]) == (200, "", NEW[:12])


def test_missing_asset(edge: Edge) -> None:
    """A missing asset is a real 404 that nobody may keep."""
    missing = edge.ask("/calls/assets/gone.js")
    assert (missing.status, missing.headers["cache-control"]) == (404, "no-store")


def test_region_failover(edge: Edge) -> None:
    """What region A cannot give comes from region B, whether A is down or only lacks it."""
    edge.regions[1].files[f"/sites/calls/{NEW}/b.html"] = (200, HTML, "b")
    edge.regions[1].files[f"/sites/calls/{NEW}/c.html"] = (200, HTML, "c")
    assert edge.ask("/calls/b.html").body == "b"
    edge.regions[0].is_down = True
    assert edge.ask("/calls/c.html").body == "c"


def test_previous_release_and_fallback(edge: Edge) -> None:
    """With every region down, the previous release is shown from the cache, and at last the fallback page."""
    edge.regions[0].files[f"/sites/calls/{OLD}/kept.html"] = (200, HTML, "old")
    before = (SiteRoute(name="calls", mount="/calls", live=ReleaseRoute(release=OLD)),)
    edge.cache.prepare("before", edge.print_cache(before))
    edge.cache.flip("before")
    assert edge.ask("/calls/kept.html").body == "old"
    edge.cache.flip("first")
    edge.cache.discard_others()
    for region in edge.regions:
        region.is_down = True
    previous = edge.ask("/calls/kept.html")
    assert (previous.status, previous.body, previous.headers["x-hs-release"]) == (200, "old", OLD[:12])
    lost = edge.ask("/calls/lost.html")
    assert (lost.status, lost.headers["cache-control"]) == (503, "no-store")
    assert "Back in a minute" in lost.body


def test_page_caching(edge: Edge) -> None:
    """Only what the origin marks is kept, without cookies; a visitor who is known is never given it."""
    cacheable = {**HTML, "Cache-Control": "public, max-age=60", "Set-Cookie": "a=b"}
    edge.gateway.files.update({"/kept": (200, cacheable, "kept"), "/unmarked": (200, HTML, "unmarked")})
    answers = [edge.ask("/kept"), edge.ask("/kept"), edge.ask("/kept", headers={"Cookie": "a=b"})]
    assert ["set-cookie" in answer.headers for answer in answers] == [False, False, True]
    edge.ask("/unmarked")
    edge.ask("/unmarked")
    assert [seen.path for seen in edge.gateway.seen] == ["/kept", "/kept", "/unmarked", "/unmarked"]


def test_uncacheable_pages_do_not_queue(edge: Edge) -> None:
    """Visitors of an uncacheable page are served side by side, not one after the other."""
    edge.gateway.files["/slow"] = (200, HTML, "slow")
    edge.ask("/slow")
    edge.gateway.delay_seconds = 0.5
    started = time.monotonic()
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: edge.ask("/slow").body, range(6)))
    assert answers == ["slow"] * 6
    assert time.monotonic() - started < 1.5


def test_uncacheable_pages_leave_nothing_behind(edge: Edge) -> None:
    """What the cache remembers of a page that it may not keep is gone after some seconds, however often that was asked for."""
    edge.gateway.files["/fleeting"] = (200, {**HTML, "Cache-Control": "no-store", "ETag": '"1"'}, "now")
    before = count_objects(edge)
    for _ in range(20):
        edge.ask("/fleeting")
    assert count_objects(edge) > before
    time.sleep(10)
    wait_until(lambda: count_objects(edge) <= before)


def count_objects(edge: Edge) -> int:
    """Return how many objects the cache holds."""
    argv = ("varnishstat", "-n", str(edge.folder / "cache/varnishd"), "-1", "-j", "-f", "MAIN.n_object")
    told = subprocess.run(argv, check=True, capture_output=True, timeout=10)
    return int(json.loads(told.stdout)["counters"]["MAIN.n_object"]["value"])


def test_visitors_of_one_cold_page_share_one_fetch(edge: Edge) -> None:
    """Many visitors who ask at once for a cacheable page cost the origin one request."""
    edge.gateway.files["/cold"] = (200, {**HTML, "Cache-Control": "max-age=60"}, "cold")
    edge.gateway.delay_seconds = 0.5
    with ThreadPoolExecutor(6) as pool:
        answers = list(pool.map(lambda _: edge.ask("/cold").body, range(6)))
    assert answers == ["cold"] * 6
    assert len(edge.gateway.seen) == 1


def test_stale_page_while_the_origin_is_down(edge: Edge) -> None:
    """A page past its end is shown while the origin is down, and fetched anew once it is up again."""
    marked = {**HTML, "Cache-Control": "public, max-age=1"}
    edge.gateway.files["/aged"] = (200, marked, "first")
    assert edge.ask("/aged").body == "first"
    time.sleep(3.2)
    edge.gateway.is_down = True
    stale = edge.ask("/aged")
    assert (stale.status, stale.body) == (200, "first")
    assert read_log(edge, stale.headers["x-request-id"])["cache"] == "stale"
    assert "Back in a minute" in edge.ask("/never-seen").body
    edge.gateway.is_down = False
    edge.gateway.files["/aged"] = (200, marked, "second")
    time.sleep(1.1)
    assert edge.ask("/aged").body == "second"


def test_stale_page_outlives_every_failed_try(edge: Edge) -> None:
    """An origin that answers each visitor with a failure takes nobody's older page away."""
    edge.gateway.files["/ailing"] = (200, {**HTML, "Cache-Control": "public, max-age=1"}, "first")
    edge.ask("/ailing")
    time.sleep(1.2)
    edge.gateway.files["/ailing"] = (503, HTML, "ill")
    for _ in range(3):
        assert edge.ask("/ailing").body == "first"
        time.sleep(1.1)
    assert len(edge.gateway.seen) == 4


def test_visitors_of_an_ailing_page_do_not_wait_for_each_others_tries(edge: Edge) -> None:
    """Where a slow origin fails one visitor, all others who waited get the older page at once."""
    edge.gateway.files["/crawling"] = (200, {**HTML, "Cache-Control": "public, max-age=1"}, "first")
    edge.ask("/crawling")
    time.sleep(1.2)
    edge.gateway.files["/crawling"] = (503, HTML, "ill")
    edge.gateway.delay_seconds = 0.5
    answers, seconds = ask_at_once(edge, "/crawling")
    assert answers == [(200, "first")] * 12
    assert seconds < 1.5
    assert len(edge.gateway.seen) <= 3


def test_nobody_waits_for_an_origin_that_hangs_once_that_is_known(edge: Edge) -> None:
    """After one slow failure, visitors of the page get the older one at once, and the newer one when there is one."""
    page = {**HTML, "Cache-Control": "public, max-age=1"}
    edge.gateway.files["/hanging"] = (200, page, "first")
    edge.ask("/hanging")
    time.sleep(1.2)
    edge.gateway.files["/hanging"] = (503, HTML, "ill")
    edge.gateway.delay_seconds = 2.2
    assert edge.ask("/hanging").body == "first"
    time.sleep(1.1)
    answers, seconds = ask_at_once(edge, "/hanging")
    assert answers == [(200, "first")] * 12
    assert seconds < 1
    edge.gateway.delay_seconds = 0
    edge.gateway.files["/hanging"] = (200, page, "second")
    wait_until(lambda: edge.ask("/hanging").body == "second")


def test_visitors_of_a_page_that_was_never_seen_try_side_by_side(edge: Edge) -> None:
    """Where there is no older page, those who waited ask at the same time, and not one after another."""
    edge.gateway.files["/unborn"] = (503, HTML, "ill")
    edge.gateway.delay_seconds = 0.5
    answers, seconds = ask_at_once(edge, "/unborn")
    assert answers == [(503, "ill")] * 12
    assert seconds < 2.5


def ask_at_once(edge: Edge, path: str) -> tuple[list[tuple[int, str]], float]:
    """Let 12 visitors ask for one page; return what they got, and when the last one had it."""
    started = time.monotonic()
    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(lambda _: edge.ask(path), range(12)))
    return [(answer.status, answer.body) for answer in answers], time.monotonic() - started


def test_bad_vcl_is_refused(edge: Edge) -> None:
    """A VCL that does not compile is refused in Varnish's words, and the old one goes on serving."""
    with pytest.raises(RefusedError) as refused:
        edge.cache.prepare("bad", "vcl 4.1;\nsub vcl_recv { set nonsense = 1; }\n")
    assert "nonsense" in refused.value.details
    with pytest.raises(RefusedError):
        edge.cache.flip("bad")
    assert edge.cache.active() == "first"
    assert edge.ask().status == 404


def test_only_the_ingress_may_speak_to_the_cache(edge: Edge) -> None:
    """The cache's socket is open to its owner alone."""
    assert (edge.folder / "cache.sock").stat().st_mode & 0o777 == 0o600


def test_simulator_agrees_with_the_real_edge(edge: Edge) -> None:
    """The simulator and the running edge come to the same verdict on the same requests."""
    turn(edge, "non_us_ban", is_on=True)
    put(edge, "wall", "127.0.0.8/31")
    put(edge, "card_testers", TESTER)
    live = LiveData(
        switches_on=frozenset({"non_us_ban"}),
        lists={"wall": (ip_network("127.0.0.8/31"),), "card_testers": (ip_network(TESTER),)},
    )
    wordpress = {"user-agent": "WordPress/4.6"}
    donation = {"method": "POST", "path": "/api/hamm/donations"}
    requests = [
        Request(client="127.0.0.1"),
        Request(client="127.0.0.9"),
        Request(client="127.0.0.9", headers=wordpress),
        Request(client=GERMAN, country="DE"),
        Request(client=TESTER, **donation),  # type: ignore[arg-type]  # keyword arguments of one type
        Request(client=TESTER, path="/api/hamm/donations"),
        Request(client="127.0.0.11", headers=wordpress, path="/calls/"),
    ]
    for request in requests:
        expected = judge_by_cel(edge.policy, request, live).statuses or (404,)
        found = edge.ask(request.path, method=request.method, source=request.client, headers=request.headers)
        assert found.status in expected, request


def test_cache_begins_again_with_what_it_served(edge: Edge) -> None:
    """A restarted cache serves at once what it served before, with nobody's help."""
    folder = edge.folder / "other"
    folder.mkdir()
    with run_varnish(folder) as cache:
        assert cache.active() == ""
        cache.prepare("served", edge.print_cache())
        cache.flip("served")
        assert cache.active() == "served"
    with run_varnish(folder) as cache:
        assert cache.active() == "served"
