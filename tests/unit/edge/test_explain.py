"""Explanations: what is said of each way that a request may go."""

from __future__ import annotations

from ipaddress import ip_network

import pytest

from handshake.edge.policy.request import LiveData, Request
from handshake.edge.simulate.explain import Explanation, explain
from tests.unit.edge.compiled import read_text

POLICY = read_text(
    """
trusted_proxies = ["198.51.100.1"]
[switches.siege]
description = "Closed."
[lists.wall]
kind = "network"
[[rule]]
name = "mark"
phase = "admit"
when = 'request.path.startsWith("/api/")'
headers = { request = { set = { X-Kind = "api" } }, response = { set = { X-Edge = "yes" }, remove = ["Server"] } }
[[rule]]
name = "slowly"
phase = "admit"
when = 'request.header["x-kind"] == "api"'
limit = { requests = 5, seconds = 10, status = 429 }
[[rule]]
name = "siege"
phase = "admit"
when = 'switch.siege && !(client.country in ["US", "PR"])'
respond = { status = 403, body = "Closed." }
[[rule]]
name = "the-wall"
phase = "admit"
when = 'client.ip in list.wall'
decoy = { answers = [{ status = 201, body = "{}" }, { status = 402 }] }
[[rule]]
name = "moved"
phase = "serve"
when = 'request.path.startsWith("/old/")'
redirect = { to = "https://example.org/new?a=1", keep_query = true }
[[rule]]
name = "look"
phase = "serve"
when = 'request.path.startsWith("/p/")'
split = { arms = { plain = 9, bold = 1 } }
[[rule]]
name = "bold"
phase = "serve"
when = 'request.arm["look"] == "bold"'
route = { to = "/bold/", prefix = "/p/" }
[[rule]]
name = "keep"
phase = "serve"
when = 'request.path.startsWith("/bold/")'
cache = { ttl_seconds = 60, grace_seconds = 5, tags = ["pages"], key = ["client.country"] }
[[rule]]
name = "never"
phase = "serve"
when = 'request.path == "/live"'
pass = {}
"""
)


def ask(
    path: str = "/",
    *,
    live: LiveData | None = None,
    about: str = "",
    method: str = "GET",
    client: str = "192.0.2.1",
    country: str = "US",
    query: str = "",
    headers: dict[str, str] | None = None,
) -> Explanation:
    """Return the explanation of a request."""
    request = Request(
        client=client, country=country, method=method, path=path, query=query, headers=headers or {}
    )
    rules = {rule.name: rule for rule in POLICY.rules}
    return explain(POLICY, request, live or LiveData(), rules.get(about))


def test_steps_stand_in_the_order_in_which_rules_are_tried() -> None:
    """Each rule that matched says where it stands and what it did, and a later rule sees what an earlier one set."""
    found = ask("/api/x")
    assert [(step.rule, step.where) for step in found.steps] == [
        ("mark", "edge.toml:7"),
        ("slowly", "edge.toml:12"),
    ]
    assert (
        found.steps[0].did
        == "sets X-Kind on the request; removes Server from the answer; sets X-Edge on the answer"
    )
    assert found.steps[1].did == "counts: more than 5 in 10 s per client.ip are answered 429"
    assert found.limits == ("slowly",)
    assert found.goes_on is not None


def test_a_request_counts_for_two_limits_at_most() -> None:
    """The ingress has two counters for limits: a third one that the request meets does not count it."""
    rules = (
        f'[[rule]]\nname = "{name}"\nphase = "admit"\nwhen = "true"\nlimit = {{ requests = 1, seconds = 1 }}\n'
        for name in ("one", "two", "three")
    )
    found = explain(read_text("".join(rules)), Request(client="192.0.2.1"), LiveData())
    assert [step.rule for step in found.steps] == ["one", "two", "three"]
    assert found.limits == ("one", "two")


def test_an_exceeded_limit_answers() -> None:
    """With the limit reached, its refusal is the answer, with the headers that earlier rules set on answers."""
    found = ask("/api/x", live=LiveData(exceeded=frozenset({"slowly"})))
    assert (found.ending, found.goes_on) == ("slowly", None)
    assert [(answer.status, answer.headers["retry-after"]) for answer in found.answers] == [(429, "10")]
    assert found.answers[0].headers["x-edge"] == "yes"


def test_a_decoy_has_several_answers() -> None:
    """Whoever is deceived gets one of several answers, and all of them are shown."""
    found = ask(live=LiveData(lists={"wall": (ip_network("192.0.2.0/24"),)}))
    assert [(answer.status, answer.body) for answer in found.answers] == [(201, "{}"), (402, "")]


def test_a_redirect_says_where_to() -> None:
    """The location is put together from the target and the request."""
    found = ask("/old/x", query="b=2")
    assert [answer.headers for answer in found.answers] == [{"location": "https://example.org/new?a=1&b=2"}]


@pytest.mark.parametrize(
    ("cookie", "path"), [("hs_arm_look=bold", "/bold/x"), ("hs_arm_look=mad", "/p/x"), ("", "/p/x")]
)
def test_the_arm_comes_from_the_cookie(cookie: str, path: str) -> None:
    """A visitor keeps the arm of the cookie, if the rule has such an arm; else one is dealt, and the first assumed."""
    found = ask("/p/x", headers={"cookie": cookie} if cookie else {})
    assert found.goes_on is not None
    assert found.goes_on.path == path
    assert found.arms == {"look": "bold" if path.startswith("/bold") else "plain"}


def test_keeping_tells_time_tags_and_key() -> None:
    """What rules say of caching is told together, with what tells the page apart."""
    keeping = ask("/bold/x", country="PR", headers={"cookie": "a=b"}).keeping
    assert keeping is not None
    assert (keeping.is_cached, keeping.seconds, keeping.grace_seconds) == (True, 60, 5)
    assert (keeping.tags, keeping.key) == (("pages",), {"client.country": "PR"})


@pytest.mark.parametrize(
    ("request_line", "headers", "why"),
    [
        ("GET /live", {}, "never always asks the origin"),
        ("POST /x", {}, "the answer to a POST is never cached"),
        ("GET /x", {"cookie": "a=b"}, "the request carries a Cookie header"),
        ("GET /x", {"authorization": "Basic x"}, "the request carries a Authorization header"),
    ],
)
def test_what_is_not_kept(request_line: str, headers: dict[str, str], why: str) -> None:
    """Where the cache keeps nothing, the reason is given."""
    method, path = request_line.split()
    keeping = ask(path, method=method, headers=headers).keeping
    assert keeping is not None
    assert (keeping.is_cached, keeping.why) == (False, why)


def test_why_a_condition_does_not_hold() -> None:
    """The parts of a condition are told with what they read and whether they hold."""
    found = ask(about="siege", country="PR", live=LiveData(switches_on=frozenset({"siege"})))
    assert found.why is not None
    assert found.why.why == "its condition does not hold"
    assert [(part.depth, part.text, part.value, part.holds) for part in found.why.parts] == [
        (0, "all of", "", False),
        (1, "switch.siege", "on", True),
        (1, "not", "", False),
        (2, 'client.country in ["US", "PR"]', '"PR"', True),
    ]


def test_why_a_rule_was_never_tried() -> None:
    """A rule behind one that answered says which one that was, and whether it would have matched."""
    siege = LiveData(switches_on=frozenset({"siege"}), lists={"wall": (ip_network("192.0.2.0/24"),)})
    found = ask(about="the-wall", country="DE", live=siege)
    assert found.why is not None
    assert found.why.why == "not evaluated: siege (edge.toml:17) answered first; it would have matched"


@pytest.mark.parametrize(
    ("request_line", "name", "status"),
    [
        ("GET /a//b", "strict-path", 400),
        ("GET /%61", "strict-path", 400),
        ("GET /a/../b", "strict-path", 400),
        ("TRACE /", "strict-method", 405),
        ("TRACE /a//b", "strict-method", 405),
        ("get /", "strict-form", 400),
    ],
)
def test_refused_before_any_rule(request_line: str, name: str, status: int) -> None:
    """What the ingress refuses by itself is said so, and no rule is asked."""
    method, path = request_line.split()
    found = ask(path, method=method, about="siege")
    assert found.refusal is not None
    assert (found.refusal.name, found.refusal.status, found.steps) == (name, status, ())
    assert found.why is not None
    assert found.why.why.startswith("not evaluated")


def test_claims_are_taken_off() -> None:
    """Headers by which others claim to know the client are named, and only a trusted proxy is believed."""
    claim = {"x-forwarded-for": "203.0.113.7, 203.0.113.8", "x-kind": "other"}
    from_anybody = ask(headers=claim)
    assert (from_anybody.request.client, from_anybody.stripped) == ("192.0.2.1", ("x-forwarded-for",))
    assert from_anybody.request.headers == {"x-kind": "other"}
    assert ask(headers=claim, client="198.51.100.1").request.client == "203.0.113.8"
