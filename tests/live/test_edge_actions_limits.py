"""Limits at a running ingress: who is counted, what counts, and what happens to who comes too often."""

from __future__ import annotations

import hashlib
import hmac
import http.client
import itertools
import re
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from handshake.edge.policy.challenge_page import PATH
from tests.live.edges import Answer, Edge, run_edge
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

POLICY = """
[[rule]]
name = "login"
phase = "admit"
when = 'request.path == "/login"'
limit = { requests = 3, seconds = 60, status = 430, content_type = "application/json", body = "{}" }

[[rule]]
name = "login-posts"
phase = "admit"
when = 'request.path == "/login" && request.method == "POST"'
limit = { requests = 1, seconds = 60, per = "request.host" }

[[rule]]
name = "short"
phase = "admit"
when = 'request.path == "/short"'
limit = { requests = 2, seconds = 1 }

[[rule]]
name = "keys"
phase = "admit"
when = 'request.path == "/api"'
limit = { requests = 2, seconds = 60, per = 'request.header["x-api-key"]' }

[[rule]]
name = "sessions"
phase = "admit"
when = 'request.path == "/session"'
limit = { requests = 2, seconds = 60, per = 'request.cookie["session"]' }

[[rule]]
name = "slow"
phase = "admit"
when = 'request.path == "/slow"'
limit = { requests = 0, seconds = 60, then = "tarpit", body = "slow" }

[[rule]]
name = "gone"
phase = "admit"
when = 'request.path == "/gone"'
limit = { requests = 0, seconds = 60, then = "drop" }

[[rule]]
name = "declined"
phase = "admit"
when = 'request.path == "/donate" && request.method == "POST"'
limit = { requests = 2, seconds = 60, failures = [402, 403] }

[[rule]]
name = "puzzle"
phase = "admit"
when = 'request.path.startsWith("/puzzle")'
limit = { requests = 0, seconds = 60, then = "challenge", status = 403, pass_seconds = 60 }

[[rule]]
name = "other-puzzle"
phase = "admit"
when = 'request.path.startsWith("/other")'
limit = { requests = 0, seconds = 60, then = "challenge", pass_seconds = 120 }
"""
SEAL = re.compile(r'const seal = "([^"]+)"')
KEY = b"handshake"
"""The ingress's key, as tests/live/edges.py gives it."""
CLIENT, STRANGER = "127.0.0.70", "127.0.0.71"


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    """Run one edge for all tests of this file; each test is a client of its own."""
    with run_edge(read_text(POLICY), (), "") as edge:
        yield edge


def test_deny(edge: Edge) -> None:
    """What comes too often is answered as the rule says, with when to come again, and never reaches the origin."""
    answers = [edge.ask("/login", source="127.0.0.21") for _ in range(5)]
    assert [answer.status for answer in answers] == [404] * 3 + [430] * 2
    refused = answers[-1]
    assert (refused.headers["content-type"], refused.body) == ("application/json", "{}")
    assert (refused.headers["retry-after"], refused.headers["cache-control"]) == ("60", "no-store")
    assert edge.ask("/login", source="127.0.0.22").status == 404


def test_two_limits_count_one_request(edge: Edge) -> None:
    """A request that meets two limits counts for both."""

    def post(host: str) -> int:
        return edge.ask("/login", method="POST", source="127.0.0.23", headers={"Host": host}).status

    assert [post("a.example"), post("a.example"), post("b.example"), post("c.example")] == [
        404,
        429,
        404,
        430,
    ]


def test_time_passes(edge: Edge) -> None:
    """Who waits is let in again."""
    assert [edge.ask("/short", source="127.0.0.24").status for _ in range(3)] == [404, 404, 429]
    time.sleep(2.1)
    assert edge.ask("/short", source="127.0.0.24").status == 404


@pytest.mark.parametrize(
    ("path", "header", "one", "two"),
    [
        ("/api", "X-Api-Key", "one", "two"),
        ("/session", "Cookie", "a=1; session=one", "session=two; a=1"),
    ],
)
def test_per_text(edge: Edge, path: str, header: str, one: str, two: str) -> None:
    """A text is counted wherever it comes from; those without it share one count."""

    def ask(text: str, source: str) -> int:
        return edge.ask(path, source=source, headers={header: text} if text else {}).status

    assert [ask(one, f"127.0.0.{number}") for number in (25, 26, 27)] == [404, 404, 429]
    assert [ask(two, "127.0.0.25"), ask(one, "127.0.0.28")] == [404, 429]
    assert [ask("", f"127.0.0.{number}") for number in (25, 26, 27)] == [404, 404, 429]


def test_tarpit(edge: Edge) -> None:
    """A tarpitted client waits for its refusal."""
    before = time.monotonic()
    answer = edge.ask("/slow", source="127.0.0.30")
    assert (answer.status, answer.body) == (429, "slow")
    assert time.monotonic() - before > 4.5


def test_drop(edge: Edge) -> None:
    """A dropped client hears nothing more, not even that the connection is over."""
    connection = http.client.HTTPConnection(
        "127.0.0.1", edge.port, timeout=0.5, source_address=("127.0.0.31", 0)
    )
    connection.request("GET", "/gone")
    with pytest.raises((TimeoutError, ConnectionError)):
        connection.getresponse()
    connection.close()


def test_failures(edge: Edge) -> None:
    """Only what the origin answers with one of the statuses counts; then nothing more is tried."""

    def donate(status: int) -> int:
        edge.gateway.files["/donate"] = (status, {}, "x")
        return edge.ask("/donate", method="POST", source="127.0.0.32", body="card=1").status

    assert [donate(status) for status in (200, 500, 402, 200, 403)] == [200, 500, 402, 200, 403]
    before = len(edge.gateway.seen)
    assert [donate(200), donate(402)] == [429, 429]
    assert len(edge.gateway.seen) == before
    assert edge.ask("/donate", source="127.0.0.32").status == 402


def read_seal(answer: Answer) -> str:
    """Return the seal of a page with a puzzle."""
    found = SEAL.search(answer.body)
    assert found, answer
    return found[1]


def solve(seal: str) -> int:
    """Return the answer, as a browser finds it."""
    digests = (
        (number, hashlib.sha256(f"{seal}.{number}".encode()).hexdigest()) for number in itertools.count()
    )
    return next(number for number, digest in digests if digest.startswith("0000"))


def seal_for(client: str, until: float) -> str:
    """Return the seal that the ingress would give this client."""
    text = f"{int(until)}.puzzle.{uuid4()}"
    return f"{text}.{_digest(f'seal {client} {text}')}"


def pass_for(client: str, until: float) -> str:
    """Return the pass that the ingress would give this client."""
    return f"{int(until)}.{_digest(f'pass puzzle {client} {int(until)}')}"


def _digest(text: str) -> str:
    return hmac.new(KEY, text.encode(), "sha256").hexdigest().upper()


def hand_in(edge: Edge, seal: str, answer: int | str, source: str = CLIENT) -> Answer:
    """Hand a solution in."""
    return edge.ask(f"{PATH}?seal={seal}&answer={answer}", source=source)


def enter(edge: Edge, cookie: str, path: str = "/puzzle", source: str = CLIENT) -> int:
    """Ask for a page with a pass."""
    return edge.ask(path, source=source, headers={"Cookie": f"x=1; {cookie.partition(';')[0]}"}).status


def test_puzzle_is_solved_once_and_for_one_client(edge: Edge) -> None:
    """A solution gives its client a pass, once; nobody else can hand it in or use the pass."""
    page = edge.ask("/puzzle", source=CLIENT)
    assert (page.status, page.headers["cache-control"]) == (403, "no-store")
    seal = read_seal(page)
    answer = solve(seal)
    assert hand_in(edge, seal, answer, STRANGER).status == 403
    told = hand_in(edge, seal, answer)
    assert (told.status, told.body) == (204, "")
    cookie = told.headers["set-cookie"]
    assert cookie.startswith("hs_pass_puzzle=")
    assert cookie.endswith("; Path=/; Max-Age=60; HttpOnly; SameSite=Lax")
    again = hand_in(edge, seal, answer)
    assert (again.status, "set-cookie" in again.headers) == (403, False)
    assert enter(edge, cookie) == 404
    assert enter(edge, cookie, source=STRANGER) == 403
    assert enter(edge, cookie.replace("hs_pass_puzzle", "hs_pass_other_puzzle"), "/other") == 429
    assert not any(seen.path.startswith(PATH) for seen in edge.gateway.seen)


def test_passes_of_two_rules_live_together(edge: Edge) -> None:
    """Each rule has a puzzle and a pass of its own."""
    passes = {}
    for path in ("/puzzle", "/other"):
        seal = read_seal(edge.ask(path, source=CLIENT))
        passes[path] = hand_in(edge, seal, solve(seal)).headers["set-cookie"].partition(";")[0]
    both = "; ".join(passes.values())
    for path in passes:
        assert edge.ask(path, source=CLIENT, headers={"Cookie": both}).status == 404


@pytest.mark.parametrize("spoilt", ["until", "rule", "nonce", "digest", "answer", "short"])
def test_spoilt_solutions_are_refused(edge: Edge, spoilt: str) -> None:
    """A seal in which anything was changed, and an answer that is none, give no pass."""
    seal = read_seal(edge.ask("/puzzle", source=CLIENT))
    until, rule, nonce, digest = seal.split(".")
    changed = {
        "until": f"{int(until) + 900}.{rule}.{nonce}.{digest}",
        "rule": f"{until}.other-puzzle.{nonce}.{digest}",
        "nonce": f"{until}.{rule}.{nonce[::-1]}.{digest}",
        "digest": f"{until}.{rule}.{nonce}.{digest[::-1]}",
        "answer": seal,
        "short": until,
    }[spoilt]
    answer = "never" if spoilt == "answer" else solve(changed)
    refused = hand_in(edge, changed, answer)
    assert (refused.status, "set-cookie" in refused.headers) == (403, False)


def test_puzzles_and_passes_end(edge: Edge) -> None:
    """A puzzle is good for minutes and a pass for as long as its rule says, whatever a client keeps."""
    now = time.time()
    alive, dead = seal_for(CLIENT, now + 9), seal_for(CLIENT, now - 1)
    assert [hand_in(edge, seal, solve(seal)).status for seal in (alive, dead)] == [204, 403]
    assert enter(edge, f"hs_pass_puzzle={pass_for(CLIENT, now + 9)}") == 404
    assert enter(edge, f"hs_pass_puzzle={pass_for(CLIENT, now - 1)}") == 403


def test_one_of_many_at_once(edge: Edge) -> None:
    """Of the same solution handed in many times at once, one gives a pass."""
    seal = read_seal(edge.ask("/puzzle", source=CLIENT))
    answer = solve(seal)
    with ThreadPoolExecutor(16) as pool:
        told = pool.map(lambda _: hand_in(edge, seal, answer).status, range(16))
    assert sorted(told) == [204] + [403] * 15


@pytest.mark.parametrize("spoilt", ["", ".", "9999999999.", "9999999999.00", "x.y.z"])
def test_forged_passes_are_refused(edge: Edge, spoilt: str) -> None:
    """A pass that the ingress has not sealed opens nothing."""
    assert enter(edge, f"hs_pass_puzzle={spoilt}") == 403
