"""What rules do at Fastly, as falco runs it: answers, decoys, puzzles, identity, caching."""

from __future__ import annotations

import hmac
import re
import time
from base64 import b64encode
from collections.abc import Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from hashlib import sha256
from pathlib import Path

import pytest

from handshake.edge.cache.cache import Purge, PurgedPage
from handshake.edge.fastly.compile.caching import tags_of
from handshake.edge.fastly.compile.containers import SEAL_KEY, SEALS, LinterAccount
from handshake.edge.fastly.compile.target import FastlyTarget
from handshake.edge.policy.challenge_page import COOKIE, PATH, ZEROS
from tests.live.edges import Origin, run_edge, serve_origin
from tests.live.falco import Simulator, print_service, run_simulator, stand_in
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

KEY = b"handshake"
POLICY = """
[[rule]]
name = "away"
phase = "admit"
when = 'request.path.startsWith("/away/")'
redirect = { to = "https://example.org/new/?a=1", status = 308, keep_query = true }
[[rule]]
name = "cards"
phase = "admit"
when = 'request.path == "/donate"'
decoy = { answers = [{ status = 201, body = "thanks" }, { status = 402, body = "declined" }, { status = 409 }] }
[[rule]]
name = "slow-cards"
phase = "admit"
when = 'request.path == "/slow-donate"'
decoy = { answers = [{ status = 201, body = "{uuid}" }, { status = 402 }], latency_ms = [80, 120] }
[[rule]]
name = "crowd"
phase = "admit"
when = 'request.path == "/crowd"'
limit = { requests = 0, seconds = 10, body = "Too many." }
[[rule]]
name = "puzzle"
phase = "admit"
when = 'request.path == "/busy"'
limit = { requests = 0, seconds = 10, then = "challenge", status = 429 }
[[rule]]
name = "mark"
phase = "admit"
when = 'request.path == "/mark"'
headers = { request = { set = { X-Mark = "1%25" } }, response = { set = { X-Frame-Options = "DENY" }, remove = ["X-Powered-By"] } }
[[rule]]
name = "news"
phase = "serve"
when = 'request.path.startsWith("/blog/")'
route = { to = "/news/", prefix = "/blog/" }
[[rule]]
name = "kept"
phase = "serve"
when = 'request.path.startsWith("/kept")'
cache = { ttl_seconds = 60, tags = ["kept"], key = ['request.cookie["lang"]'] }
[[rule]]
name = "kept-pages"
phase = "serve"
when = 'request.path.startsWith("/calls") || request.path == "/page"'
cache = { ttl_seconds = 60, tags = ["pages"] }
[[rule]]
name = "look"
phase = "serve"
when = 'request.path == "/look"'
split = { arms = { control = 0, bold = 1 } }
[fallback]
body = "Back soon."
"""


@dataclass(kw_only=True)
class Fastly:
    """A service and its origin."""

    service: Simulator
    origin: Origin


@pytest.fixture(scope="module")
def fastly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Fastly]:
    """Run the policy at falco."""
    origin = Origin(files={"/mark": (200, {"X-Powered-By": "x", "X-Varnish": "1"}, "marked")})
    account = LinterAccount(origin_host="127.0.0.1", items={SEALS: {SEAL_KEY: b64encode(KEY).decode()}})
    with ExitStack() as stack:
        stack.enter_context(serve_origin(origin))
        account = replace(account, origin_port=origin.port)
        text = print_service(read_text(POLICY), FastlyTarget(mounts=("/calls", "/docs/api")), account)
        folder = tmp_path_factory.mktemp("falco")
        service = stack.enter_context(run_simulator(stand_in(text, ("visits",), {}), folder))
        yield Fastly(service=service, origin=origin)


def test_redirect_keeps_the_query(fastly: Fastly) -> None:
    """A redirect says where to, with the query appended."""
    found = fastly.service.ask("/away/x?b=2")
    assert (found.status, found.headers["location"]) == (308, "https://example.org/new/?a=1&b=2")


def test_decoy_is_the_ingresses(fastly: Fastly) -> None:
    """Fastly gives each attacker the very answer that the ingress would give, so a changed way gives nothing away."""
    policy = read_text(POLICY)
    bodies = [f"card={number}" for number in range(12)]
    with run_edge(policy, (), "") as edge:
        ingress = [edge.ask("/donate", method="POST", body=body).status for body in bodies]
    found = [fastly.service.ask("/donate", method="POST", body=body).status for body in bodies]
    assert found == ingress
    assert len(set(found)) > 1


def test_decoy_that_takes_its_time_is_the_ingresses_own(fastly: Fastly) -> None:
    """What Fastly cannot give as it is meant goes the way of a real request, with the client's address."""
    assert fastly.service.ask("/slow-donate", method="POST", body="card=1", source="127.0.0.4").status == 404
    heard = fastly.origin.seen[-1]
    assert (heard.path, heard.method, heard.headers["x-forwarded-for"]) == (
        "/slow-donate",
        "POST",
        "127.0.0.4",
    )


def test_too_much_is_refused(fastly: Fastly) -> None:
    """A limit answers as it says, and says when to come back."""
    found = fastly.service.ask("/crowd")
    assert (found.status, found.body, found.headers["retry-after"]) == (429, "Too many.", "10")


def test_challenge_is_passed_by_solving_it(fastly: Fastly) -> None:
    """The puzzle's solution gives a cookie with which the rule lets this client pass, and no other one."""
    page = fastly.service.ask("/busy")
    found = re.search('seal = "([^"]+)"', page.body)
    assert page.status == 429 and found
    seal = found[1]
    answer = next(n for n in range(10**7) if sha256(f"{seal}.{n}".encode()).hexdigest().startswith(ZEROS))
    solved = fastly.service.ask(f"{PATH}?seal={seal}&answer={answer}")
    assert solved.status == 204
    cookie = solved.cookies[0].partition(";")[0]
    assert fastly.service.ask("/busy", headers={"Cookie": cookie}).status == 404
    assert fastly.service.ask("/busy", headers={"Cookie": cookie}, source="127.0.0.2").status == 429
    assert fastly.service.ask(f"{PATH}?seal={seal}&answer={answer}", source="127.0.0.2").status == 403
    assert fastly.service.ask(f"{PATH}?seal={seal}&answer=no").status == 403


def test_pass_that_ended_is_none(fastly: Fastly) -> None:
    """A pass is good for its time only, and the ingress's is good at Fastly."""

    def ask(until: int) -> int:
        digest = hmac.new(KEY, f"pass puzzle 127.0.0.1 {until}".encode(), "sha256").hexdigest().upper()
        return fastly.service.ask("/busy", headers={"Cookie": f"{COOKIE}puzzle={until}.{digest}"}).status

    now = int(time.time())
    assert (ask(now + 60), ask(now - 60)) == (404, 429)


def test_headers_are_changed(fastly: Fastly) -> None:
    """Origin and visitor see the headers that a rule sets, and not those that tell about our insides."""
    found = fastly.service.ask("/mark")
    assert found.headers["x-frame-options"] == "DENY"
    assert not {"x-powered-by", "x-varnish", "x-served-by", "x-cache"} & set(found.headers)
    assert fastly.origin.seen[-1].headers["x-mark"] == "1%25"


@pytest.mark.parametrize("path", ["/mark", "/kept", "/look", "/slow-donate"])
def test_inner_words_stay_at_fastly(fastly: Fastly, path: str) -> None:
    """Whatever rules a request meets, the origin hears nothing of what the service keeps to itself."""
    fastly.service.ask(path, headers={"X-HS-Met-mark": "forged"})
    assert not {name for name in fastly.origin.seen[-1].headers if name.startswith("x-hs-")}


def test_identity_cannot_be_forged(fastly: Fastly) -> None:
    """Whatever a visitor claims, Fastly-FF included, the origin hears the address of the connection alone."""
    names = (
        "X-Forwarded-For",
        "X_Forwarded_For",
        "True-Client-IP",
        "Fastly-Client-IP",
        "Forwarded",
        "X-Real-IP",
    )
    forged = dict.fromkeys((*names, "X-HS-Client", "X-HS-Country", "CF-Connecting-IP"), "203.0.113.9")
    found = fastly.service.ask("/crowd", headers={**forged, "Fastly-FF": "x!y!z"})
    assert found.status == 429
    fastly.service.ask("/free", headers={**forged, "Fastly-FF": "x!y!z"}, source="127.0.0.3")
    heard = fastly.origin.seen[-1].headers
    assert heard["x-forwarded-for"] == "127.0.0.3"
    assert "203.0.113.9" not in {value for name, value in heard.items() if name != "fastly-ff"}


def test_rules_are_tried_at_the_first_hop_only(fastly: Fastly) -> None:
    """At a shield, where the address is another machine's, what the first hop has found out holds."""
    told = {"Test-Visits": "1", "X-HS-Client": "203.0.113.9"}
    assert fastly.service.ask("/crowd", headers=told).status == 404
    assert fastly.origin.seen[-1].headers["x-forwarded-for"] == "203.0.113.9"


def test_route_changes_what_the_origin_is_asked(fastly: Fastly) -> None:
    """A route replaces the beginning of the path and keeps the rest."""
    fastly.service.ask("/blog/one?x=1")
    assert fastly.origin.seen[-1].path == "/news/one?x=1"


def test_shared_answers_are_asked_for_as_for_nobody(fastly: Fastly) -> None:
    """What a rule caches is fetched without the visitor's cookies, but for those of its key."""
    fastly.service.ask("/kept", headers={"Cookie": "session=1; lang=de", "Authorization": "x"})
    heard = fastly.origin.seen[-1].headers
    assert (heard["cookie"], heard.get("authorization")) == ("lang=de", None)


def test_a_page_carries_its_address_as_a_tag(fastly: Fastly) -> None:
    """A page can be purged by its address, whatever keys a rule gave it; only Fastly's own machines see the tags."""
    fastly.origin.files["/page"] = (200, {"Cache-Control": "max-age=60", "Surrogate-Key": "news"}, "page")
    shielded = fastly.service.ask("/page?a=b", headers={"Host": "example.org", "Test-Visits": "1"})
    wanted = tags_of(Purge(tags=("news",), pages=(PurgedPage(host="example.org", path="/page?a=b"),)))
    assert set(wanted) <= set(shielded.headers["surrogate-key"].split())
    assert "surrogate-key" not in fastly.service.ask("/page?c=d", headers={"Host": "example.org"}).headers


@pytest.mark.parametrize(
    ("path", "control", "is_kept"),
    [
        ("/calls/", "public, max-age=0, must-revalidate", False),
        ("/calls", "public, max-age=0, must-revalidate", False),
        ("/calls/a.js", "public, max-age=31536000, immutable", True),
        ("/docs/api/x", "no-cache, max-age=60", False),
    ],
)
def test_sites_are_kept_as_the_ingress_says(
    fastly: Fastly, path: str, control: str, *, is_kept: bool
) -> None:
    """A site's document is asked for each time, whatever a rule says of caching; an asset is kept as the ingress says."""
    fastly.origin.files[path] = (200, {"Cache-Control": control}, "site")
    assert fastly.service.ask(path).headers["cache-control"] == control
    # Falco keeps passed answers too; what a shield tags is what Fastly would keep.
    shielded = fastly.service.ask(f"{path}?a", headers={"Test-Visits": "1", "X-HS-Site": "1"})
    assert ("surrogate-key" in shielded.headers) is is_kept


def test_beside_a_site_a_rule_is_obeyed(fastly: Fastly) -> None:
    """A path that only begins like a site's is nobody's site."""
    fastly.origin.files["/calls-to-action"] = (200, {"Cache-Control": "no-cache"}, "page")
    assert fastly.service.ask("/calls-to-action").headers["cache-control"] == "public, max-age=60"


def test_a_visitor_of_a_site_keeps_their_cookie(fastly: Fastly) -> None:
    """What a rule caches is fetched as for nobody, but not a site: its splits are told by a cookie, its previews by a password."""
    fastly.service.ask("/calls/", headers={"Cookie": "hs-arm-calls=b", "Authorization": "Basic x"})
    heard = fastly.origin.seen[-1].headers
    assert (heard["cookie"], heard["authorization"]) == ("hs-arm-calls=b", "Basic x")


def test_arm_is_kept_and_told(fastly: Fastly) -> None:
    """A visitor's arm stands in a cookie for them, and for the edge behind."""
    found = fastly.service.ask("/look")
    assert found.cookies[0].startswith("hs_arm_look=bold; Path=/")
    heard = fastly.origin.seen[-1].headers
    assert (heard["x-arm-look"], heard["cookie"]) == ("bold", "hs_arm_look=bold")


@pytest.mark.parametrize(
    ("path", "method", "expected"),
    [
        ("/a%2Fb", "GET", 400),
        ("/%61", "GET", 400),
        ("/a%00", "GET", 400),
        ("/", "TRACE", 405),
        ("/a", "get", 400),
    ],
)
def test_doubtful_forms_are_refused(fastly: Fastly, path: str, method: str, expected: int) -> None:
    """What could walk around a rule on a path is refused, as at the ingress."""
    assert fastly.service.ask(path, method=method).status == expected


def test_fallback_page_is_shown_while_the_origin_is_gone(tmp_path: Path) -> None:
    """An error of Fastly's own wears the policy's page."""
    text = print_service(read_text(POLICY), FastlyTarget(), LinterAccount())
    gone = stand_in(text, ("stale",), {}).replace("return(fetch);", "error 503;")
    with run_simulator(gone, tmp_path) as service:
        found = service.ask("/")
    assert (found.status, found.body, found.headers["cache-control"]) == (503, "Back soon.", "no-store")
