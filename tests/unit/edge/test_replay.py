"""Replays: what changes is counted exactly, and what the log does not hold is never guessed."""

from __future__ import annotations

import json
from ipaddress import ip_network
from itertools import permutations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.request import LiveData, Request
from handshake.edge.simulate.compare import find_effect
from handshake.edge.simulate.replay import Replay, ReplayReport
from tests.cel_oracle import judge_by_cel
from tests.unit.edge.compiled import read_text

HEAD = """
[switches.siege]
description = "Closed."
[lists.wall]
kind = "network"
"""
WALL = '[[rule]]\nname = "the-wall"\nphase = "admit"\nwhen = "client.ip in list.wall"\nrespond = { status = 403 }\n'
LIVE = LiveData(lists={"wall": (ip_network("192.0.2.0/28"),)})


def rule(name: str, when: str, action: str, *, phase: str = "admit") -> str:
    """Return a rule's text."""
    return f"[[rule]]\nname = \"{name}\"\nphase = \"{phase}\"\nwhen = '''{when}'''\n{action}\n"


def policy(*rules: str) -> EdgePolicy:
    """Return the policy of these rules."""
    return read_text(HEAD + "".join(rules))


def line(rule: str = "-", **fields: object) -> bytes:
    """Return a record's line."""
    plain: dict[str, object] = {
        "time": 1000.5,
        "client": "198.51.100.1",
        "country": "US",
        "method": "GET",
        "host": "example.org",
        "path": "/",
        "query": "-",
        "user_agent": "-",
        "status": 200,
        "rule": rule,
    }
    return json.dumps(plain | fields, separators=(",", ":")).encode() + b"\n"


def replay(
    before: EdgePolicy, after: EdgePolicy, *lines: bytes, live: LiveData = LIVE, samples: int = 2
) -> ReplayReport:
    """Return what changes for these lines."""
    replay = Replay(before, live, after, live, samples=samples)
    for each in lines:
        replay.add(each)
    return replay.report()


def changes(report: ReplayReport) -> list[tuple[str, str, int]]:
    """Return the changes in short."""
    return [(its.before, its.after, its.requests) for its in report.changes]


def test_the_same_policy_changes_nothing() -> None:
    """Under one policy nothing changes, and the log's own word agrees."""
    report = replay(policy(WALL), policy(WALL), line(), line("the-wall", client="192.0.2.3", status=403))
    assert (report.requests, report.same, report.changed, report.unknown) == (2, 2, 0, 0)
    assert (report.decided_otherwise, report.unreadable, report.refused_before) == (0, 0, 0)


def test_changes_are_grouped_with_samples_and_donors() -> None:
    """Each kind of change is counted once, with its clients, its donors, and the first few requests."""
    abroad = rule("abroad", 'client.country != "US"', "respond = { status = 451 }")
    gone = policy(abroad, WALL.replace("403", "410"))
    report = replay(
        policy(WALL),
        gone,
        line(),
        line(country="DE", client="203.0.113.1", path="/a"),
        line(country="DE", client="203.0.113.1", path="/b"),
        line(country="FR", client="203.0.113.2", path="/c", method="POST", status=201),
        line("the-wall", client="192.0.2.3", status=403),
    )
    assert changes(report) == [
        ("forwarded", "451 by abroad", 3),
        ("403 by the-wall", "410 by the-wall", 1),
    ]
    assert [(its.clients, its.donors) for its in report.changes] == [(2, 1), (1, 0)]
    assert [its.path for its in report.changes[0].samples] == ["/a", "/b"]
    assert report.donors == ("203.0.113.2",)
    assert (report.same, report.changed, report.since) == (1, 4, 1000.5)


def test_a_new_name_is_no_change() -> None:
    """A rule that is called otherwise and does the same changes nothing; another body is a change."""
    renamed = WALL.replace("the-wall", "wall-two")
    logged = line("the-wall", client="192.0.2.3")
    assert replay(policy(WALL), policy(renamed), logged).same == 1
    other_body = WALL.replace("403", '403, body = "No."')
    assert changes(replay(policy(WALL), policy(other_body), logged)) == [
        ("403 by the-wall", "403 by the-wall, changed", 1)
    ]


@pytest.mark.parametrize(
    ("action", "named"),
    [
        ('headers = { response = { set = { X-A = "1" } } }', "forwarded, headers by new"),
        ("cache = { ttl_seconds = 5 }", "forwarded, cached by new"),
        ("pass = {}", "forwarded, passed by new"),
        ('route = { to = "/b" }', "forwarded, routed by new"),
        ("split = { arms = { a = 1, b = 1 } }", "forwarded, split by new"),
    ],
)
def test_what_goes_on_otherwise_is_a_change(action: str, named: str) -> None:
    """A request that still goes on, but otherwise, changes."""
    after = policy(rule("new", 'request.path == "/x"', action, phase="serve"))
    assert changes(replay(policy(), after, line(path="/x"), line(path="/y"))) == [("forwarded", named, 1)]


def test_what_is_not_in_the_log_is_unknown() -> None:
    """A new rule on a header is unknown where it would decide, and no matter where another rule decides first."""
    by_key = rule(
        "key", 'request.header["X-Key"] == "" && request.path == "/api"', "respond = { status = 401 }"
    )
    walled = line("the-wall", client="192.0.2.3", path="/api")
    report = replay(policy(WALL), policy(WALL, by_key), line(path="/api"), line(path="/other"), walled)
    assert (report.same, report.changed, report.unknown) == (2, 0, 1)
    assert [(its.hangs_on, its.requests) for its in report.doubts] == [('request.header["x-key"]', 1)]
    assert [(its.rule, its.reads) for its in report.blind] == [("key", ('request.header["x-key"]',))]


def test_the_log_tells_which_rule_decided() -> None:
    """What a rule read need not be in the log where the log says that this rule decided, or that none did."""
    condition = 'request.cookie["a"] == "b"'
    before = policy(rule("cookie", condition, "respond = { status = 403 }"))
    after = policy(rule("cookie", condition, "respond = { status = 429 }"))
    report = replay(before, after, line("cookie", status=403), line())
    assert changes(report) == [("403 by cookie", "429 by cookie", 1)]
    assert (report.same, report.unknown) == (1, 0)


def test_a_header_that_a_rule_sets_is_known() -> None:
    """What an earlier rule has set needs no log."""
    mark = rule("mark", 'request.path == "/x"', 'headers = { request = { set = { X-Kind = "x" } } }')
    deny = rule(
        "deny", 'request.path == "/x" && request.header["x-kind"] == "x"', "respond = { status = 403 }"
    )
    report = replay(policy(mark), policy(mark, deny), line(path="/x"))
    assert changes(report) == [("forwarded, headers by mark", "403 by deny", 1)]


def test_a_log_without_user_agents_does_not_tell_them() -> None:
    """An old log that holds no user agents leaves rules on them unknown; in a new one, a hyphen is none."""
    by_agent = policy(rule("bots", 'request.user_agent == "bot"', "respond = { status = 403 }"))
    old = json.loads(line())
    del old["user_agent"]
    report = replay(policy(), by_agent, json.dumps(old).encode(), line(), line(user_agent="bot"))
    assert (report.same, report.changed, report.unknown) == (1, 1, 1)


def test_how_often_is_not_in_the_log() -> None:
    """A refusal by a limit stays one where the limit counts as before, and is unknown where it counts otherwise."""
    limit = rule("often", "true", "limit = { requests = 5, seconds = 10 }")
    refused = line("often", status=429)
    assert replay(policy(limit), policy(limit), refused, line()).same == 2
    assert changes(replay(policy(limit), policy(), refused, line())) == [
        ("429 (deny) by often", "forwarded", 1),
        ("forwarded, counted by often", "forwarded", 1),
    ]
    slower = limit.replace("5", "50")
    report = replay(policy(limit), policy(slower), refused)
    assert [(its.hangs_on, its.requests) for its in report.doubts] == [("how often: often", 1)]


def test_other_lists_then_are_told() -> None:
    """Where the log names another rule than the policy before comes to today, that is counted and not hidden."""
    report = replay(policy(WALL), policy(WALL), line("the-wall"), line("gone"))
    assert (report.same, report.decided_otherwise) == (2, 2)


def test_what_no_rule_ever_sees() -> None:
    """What the ingress refuses by itself is the same under any policy; what is no record is counted apart."""
    everything = policy(rule("all", "true", "respond = { status = 403 }"))
    report = replay(
        policy(),
        everything,
        line("strict-path", path="//", status=400),
        line(method="-", path="-", status=400),
        b'{"time":5.000,"client":"192.0.2.1","country":"-","method":"-","status":400,"rule":"-"}',
        b"[NOTICE] haproxy says\n",
        line()[:40],
    )
    assert (report.requests, report.same, report.refused_before, report.unreadable) == (3, 3, 3, 2)


CONDITIONS = (
    "client.ip in list.wall",
    'client.country in ["US", "PR"]',
    'request.header["X-Key"] == "a"',
    'request.header["X-Key"] != "" && request.method == "GET"',
    'request.cookie["c"] == "1" || request.path == "/x"',
    'request.user_agent == "bot" && request.size > 3',
    "client.rate > 2",
    "switch.siege",
    'request.host == "example.org" && !(request.query == "")',
)
ACTIONS = (
    "respond = { status = 403 }",
    "respond = { status = 410 }",
    'headers = { request = { set = { X-Key = "a" } } }',
    'redirect = { to = "/elsewhere" }',
)
RULES = tuple(
    rule(f"r{number}-{which}", condition, action)
    for number, condition in enumerate(CONDITIONS)
    for which, action in enumerate(ACTIONS)
)
REQUESTS = st.builds(
    Request,
    client=st.sampled_from(["192.0.2.3", "198.51.100.1"]),
    country=st.sampled_from(["US", "DE", "unknown"]),
    rate=st.integers(1, 4),
    method=st.sampled_from(["GET", "POST"]),
    host=st.sampled_from(["example.org", "other"]),
    path=st.sampled_from(["/", "/x"]),
    query=st.sampled_from(["", "a=b"]),
    headers=st.fixed_dictionaries(
        {},
        optional={
            "x-key": st.sampled_from(["a", "b"]),
            "cookie": st.sampled_from(["c=1", "c=2"]),
            "user-agent": st.sampled_from(["bot", "browser"]),
            "content-length": st.sampled_from(["0", "7"]),
        },
    ),
)
LIVES = st.sampled_from([LIVE, LiveData(switches_on=frozenset({"siege"}), lists=LIVE.lists)])
POLICIES = st.lists(st.sampled_from(RULES), max_size=4, unique=True).map(lambda rules: policy(*rules))


@settings(max_examples=300, deadline=None)
@given(before=POLICIES, after=POLICIES, request=REQUESTS, live=LIVES)
def test_what_is_told_is_true(
    before: EdgePolicy, after: EdgePolicy, request: Request, live: LiveData
) -> None:
    """Whatever two policies say of a request of which the log holds a part: same means same, changed means changed."""
    old, new = judge_by_cel(before, request, live), judge_by_cel(after, request, live)
    logged = line(
        old.ending.name if old.ending else "-",
        client=request.client,
        country=request.country,
        method=request.method,
        host=request.host,
        path=request.path,
        query=request.query or "-",
        user_agent=request.headers.get("user-agent", "-"),
    )
    report = replay(before, after, logged, live=live)
    is_change = find_effect(old) != find_effect(new)
    assert report.unknown or (report.same, report.changed) == (not is_change, is_change)
    assert report.decided_otherwise == 0


def test_routed_requests_are_judged_by_where_they_lead() -> None:
    """Requests that one rule routes alike are told apart by what a later rule says of their new paths."""
    after = policy(
        rule(
            "moved", 'request.path.startsWith("/a/")', 'route = { to = "/b/", prefix = "/a/" }', phase="serve"
        ),
        rule("one", 'request.path == "/b/1"', "respond = { status = 410 }", phase="serve"),
    )
    report = replay(policy(), after, line(path="/a/2"), line(path="/a/1"))
    assert sorted(changes(report)) == [
        ("forwarded", "410 by one", 1),
        ("forwarded", "forwarded, routed by moved", 1),
    ]


def test_remembered_verdicts_are_those_of_their_own_requests() -> None:
    """Requests that differ in anything that a rule reads are judged apart, in whatever order they come."""
    before = policy(WALL)
    after = policy(
        rule("one", 'request.path == "/x" && request.user_agent == "bot"', "respond = { status = 403 }"),
        rule("two", 'request.host == "other" && request.query == "a"', "respond = { status = 404 }"),
        rule("three", 'request.header["host"] == "EXAMPLE.org:80"', "respond = { status = 405 }"),
    )
    lines = (
        line(path="/x"),
        line(path="/x", user_agent="bot"),
        line(path="/x", host="other", query="a"),
        line(path="/x", host="EXAMPLE.org:80"),
    )
    for order in permutations(lines):
        assert sorted(changes(replay(before, after, *order, *order))) == [
            ("forwarded", "403 by one", 2),
            ("forwarded", "404 by two", 2),
            ("forwarded", "405 by three", 2),
        ]
