"""Replays against the real edge: what the ingress logged, and what two edges with different policies really do."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import product
from typing import Any

import pytest

from handshake.edge.lists.live_data import begin_with
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.request import Request
from handshake.edge.simulate.access_log import parse_record
from handshake.edge.simulate.explain import arrive
from handshake.edge.simulate.replay import Replay, ReplayReport
from tests.live.edges import Edge, run_edge
from tests.live.haproxies import wait_until
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

BEFORE = """
[switches.siege]
description = "Closed."
default = true
[lists.wall]
kind = "network"
entries = ["127.0.0.8/30"]
protected = ["127.0.0.11"]
[lists.agents]
kind = "text"
entries = ["bad bot"]
[[rule]]
name = "mark"
phase = "admit"
when = 'request.path.startsWith("/api/")'
headers = { request = { set = { X-Kind = "api" } } }
[[rule]]
name = "the-wall"
phase = "admit"
when = 'client.ip in list.wall'
respond = { status = 403 }
[[rule]]
name = "siege"
phase = "admit"
when = 'switch.siege && client.country == "DE" && request.method == "POST"'
respond = { status = 451 }
[[rule]]
name = "by-key"
phase = "admit"
when = 'request.header["X-Key"] == "secret"'
respond = { status = 410 }
[[rule]]
name = "too-often"
phase = "admit"
when = 'client.ip == "127.0.0.20"'
limit = { requests = 3, seconds = 600, status = 429 }
[[rule]]
name = "moved"
phase = "serve"
when = 'request.host == "old.example" || request.query.contains("moved=1")'
redirect = { to = "/new", keep_query = true }
[[rule]]
name = "agents"
phase = "serve"
when = 'request.user_agent in list.agents || request.user_agent.matches("^WordPress")'
respond = { status = 418 }
[[rule]]
name = "kinds"
phase = "serve"
when = 'request.header["x-kind"] == "api" && request.path.endsWith("}")'
respond = { status = 406 }
"""
CHANGED = (
    ('client.country == "DE" && request.method == "POST"', 'client.country != "US"'),
    ("status = 418", "status = 420"),
    ('entries = ["bad bot"]', 'entries = ["bad bot", "new bot"]'),
    ('request.path.endsWith("}")', 'request.path.endsWith("x")'),
    ('|| request.query.contains("moved=1")', ""),
)
"""The new policy: closed to all but Americans, another answer to bots, one bot more, other paths, fewer redirects."""
COUNTRIES = "127.0.0.2 US\n127.0.0.3 DE\n127.0.0.9 US\n127.0.0.11 US\n127.0.0.20 US\n"
MALFORMED = (
    b"GET /a//b HTTP/1.1",
    b"GET /%61 HTTP/1.1",
    b"TRACE / HTTP/1.1",
    b"TRACE /a//b HTTP/1.1",
    b"GET /a/../b HTTP/1.1",
)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """A request that a test sends."""

    source: str
    method: str = "GET"
    path: str = "/"
    headers: tuple[tuple[str, str], ...] = ()


REQUESTS = (
    *(
        Asked(source=source, method=method, path=path)
        for source, method, path in product(
            ("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.9", "127.0.0.11"),
            ("GET", "POST"),
            ("/", "/api/x", "/api/}", '/a"b', "/?moved=1", "/a%20b?x=%22"),
        )
    ),
    *(
        Asked(source="127.0.0.2", path="/api/x", headers=(("User-Agent", agent),))
        for agent in ("bad bot", "new bot", "WordPress/4.6", 'quoted "agent" \\', "")
    ),
    Asked(source="127.0.0.2", headers=(("X-Key", "secret"),)),
    Asked(source="127.0.0.3", headers=(("X-Key", "other"),)),
    Asked(source="127.0.0.2", headers=(("Host", "OLD.example:8080"),)),
    *(Asked(source="127.0.0.20", path=f"/{number}") for number in range(5)),
)


def change(text: str) -> str:
    """Return the new policy."""
    for old, new in CHANGED:
        assert old in text
        text = text.replace(old, new)
    return text


def drive(policy: EdgePolicy) -> list[bytes]:
    """Send every request through an edge of its own; return the ingress's log."""
    with run_edge(policy, (), COUNTRIES) as edge:
        for number, asked in enumerate(REQUESTS):
            path = f"{asked.path}{'&' if '?' in asked.path else '?'}n={number:04}"
            edge.ask(path, method=asked.method, source=asked.source, headers=dict(asked.headers))
        for line in MALFORMED:
            edge.send_raw(line + b"\r\nHost: example.org\r\nConnection: close\r\n\r\n")
        return collect(edge, len(REQUESTS) + len(MALFORMED))


def collect(edge: Edge, count: int) -> list[bytes]:
    """Return the ingress's records, once all of them are written."""

    def read() -> list[bytes]:
        return [line for line in edge.ingress.log.read_bytes().splitlines() if parse_record(line)]

    wait_until(lambda: len(read()) >= count, read)
    # The ingress's threads write side by side: what comes first in the log need not have been asked first.
    return sorted(read(), key=_number)


def _number(line: bytes) -> tuple[str, str, str]:
    """Return what puts records in the order of their requests, the malformed ones last."""
    its = json.loads(line)
    number = its["query"].rpartition("n=")[2]
    return number if number.isdigit() else "malformed", its["method"], its["path"]


@dataclass(frozen=True, kw_only=True)
class Driven:
    """Two policies, and what the ingress of each logged for the same requests."""

    before: EdgePolicy
    after: EdgePolicy
    log_before: list[bytes]
    log_after: list[bytes]

    def replay(self, after: EdgePolicy, lines: list[bytes]) -> ReplayReport:
        """Return what changes from the first policy to another one."""
        replay = Replay(self.before, begin_with(self.before), after, begin_with(after), samples=1000)
        for line in lines:
            replay.add(line)
        return replay.report()


@pytest.fixture(scope="module")
def driven() -> Iterator[Driven]:
    """Drive all requests through both policies."""
    before, after = read_text(BEFORE), read_text(change(BEFORE))
    yield Driven(before=before, after=after, log_before=drive(before), log_after=drive(after))


def test_the_same_policy_comes_to_what_the_ingress_logged(driven: Driven) -> None:
    """Replayed under the policy that wrote it, a log changes nothing, and each record names the rule that is found."""
    report = driven.replay(driven.before, driven.log_before)
    assert (report.requests, report.same) == (len(driven.log_before), len(driven.log_before))
    assert (report.changed, report.unknown, report.decided_otherwise) == (0, 0, 0)
    assert report.refused_before == len(MALFORMED)
    rules = Counter(json.loads(line)["rule"] for line in driven.log_before)
    assert {"the-wall", "siege", "by-key", "too-often", "moved", "agents", "kinds", "-"} <= rules.keys()


def test_another_policy_changes_what_it_really_changes(driven: Driven) -> None:
    """Replayed under another policy, exactly those requests change that a real edge with that policy answers otherwise."""
    expected = Counter(
        answer(old)
        for old, new in zip(driven.log_before, driven.log_after, strict=True)
        if answer(old)[-2:] != answer(new)[-2:]
    )
    report = driven.replay(driven.after, driven.log_before)
    found = Counter(
        (its.client, its.method, its.path, its.status) for change in report.changes for its in change.samples
    )
    assert found == Counter({key[:4]: count for key, count in short(expected).items()})
    assert report.unknown == 0
    assert report.changed == sum(expected.values()) > len(CHANGED)


def answer(line: bytes) -> tuple[Any, ...]:
    """Return what a record says of its request and of its answer, the latter last."""
    its = json.loads(line)
    return its["client"], its["method"], its["path"], its["query"], its["status"], its["rule"]


def short(expected: Counter[tuple[Any, ...]]) -> Counter[tuple[Any, ...]]:
    """Return the counts by what a sample shows."""
    counts: Counter[tuple[Any, ...]] = Counter()
    for (client, method, path, _, status, _), count in expected.items():
        counts[client, method, path, status] += count
    return counts


def test_what_the_ingress_refuses_by_itself_is_foretold(driven: Driven) -> None:
    """The simulator names the refusal, and the status, that the ingress logs for a malformed request."""
    refused = [json.loads(line) for line in driven.log_before[-len(MALFORMED) :]]
    for record in refused:
        request = Request(
            client=record["client"], method=record["method"], path=record["path"], host=record["host"]
        )
        refusal = arrive(driven.before, request).refusal
        assert refusal is not None
        assert (refusal.name, refusal.status) == (record["rule"], record["status"])
