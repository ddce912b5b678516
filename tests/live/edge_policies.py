"""Policies and requests made up by Hypothesis, within what a real edge can be asked."""

from __future__ import annotations

import json
from collections.abc import Mapping
from ipaddress import ip_network
from random import Random
from typing import Any, TypeVar

from hypothesis import Phase, given, settings
from hypothesis import strategies as some
from hypothesis.strategies import SearchStrategy

from handshake.edge.policy.request import LiveData, Request

T = TypeVar("T")
_POSITIVE = 0.7
"""The share of tests that are not negated."""

TEXTS = some.sampled_from(
    [
        *("", "/", "/a", "/a.b/}", "/r", "b", "US", "unknown", "GET", "x=1", "x, y", "fr", "bold", "100"),
        *("a b", 'quoted "text" \\ and more', "50%", "%[src]", "'", "-f", "--", "}", '"}', "é", "Zürich"),
    ]
)
PATTERNS = some.sampled_from(
    [
        *("^/a", "b$", "", "^$", "^$|x", "(?i)us|GET|FR", "[0-9]{1,3}", "^[^/]*$", "a.b", r"a\.b", r"\bx\b"),
        *(r"^\S+$", r"\d", "'", '"', "%", r"[\]}]", "^(?:a|b)?$", " ", r"\\"),
    ]
)
READS = some.sampled_from(
    [
        *("client.country", "request.method", "request.host", "request.path", "request.query"),
        *("request.user_agent", 'request.header["X-Key"]', 'request.header["x-set"]'),
        *('request.cookie["lang"]', 'request.cookie["a-b.c"]'),
    ]
)
NUMBERS = some.sampled_from(["client.asn", "request.size"])
NETWORKS = some.sampled_from(
    ["127.0.0.8/30", "127.0.0.9", "127.0.0.0/8", "2001:db8::/32", "0.0.0.0/0", "127.0.0.60/31"]
)
LIVE = LiveData(
    switches_on=frozenset({"siege"}),
    lists={"wall": (ip_network("127.0.0.8/30"),)},
    text_lists={
        "agents": frozenset({"a b", "fr", "/a", "x, y", "Zürich", 'quoted "text" \\ and more', "GET"})
    },
)
COUNTRIES = {"127.0.0.9": "US", "127.0.0.60": "DE"}
ASNS = {"127.0.0.9": 100, "127.0.0.11": 7}
DECLARED = """
[switches.siege]
description = "on"
[switches.calm]
description = "off"
[lists.wall]
kind = "network"
protected = ["127.0.0.11"]
[lists.agents]
kind = "text"
protected = ["fr"]
"""


READS_ALL = """
[[rule]]
name = "reads-everything"
phase = "admit"
when = 'switch.siege && switch.calm && client.ip in list.wall && request.user_agent in list.agents'
respond = { status = 500 }
"""
"""Never holds; but a map that no rule reads is not loaded."""


def write(text: str) -> str:
    """Return a text as CEL writes it."""
    return json.dumps(text, ensure_ascii=False)


def _compare(reads: str, texts: list[str]) -> str:
    return (
        f"{reads} in [{', '.join(map(write, texts))}]" if len(texts) > 1 else f"{reads} == {write(texts[0])}"
    )


def _call(reads: str, method: str, text: str) -> str:
    return f"{reads}.{method}({write(text)})"


TESTS: SearchStrategy[str] = some.one_of(
    some.sampled_from(
        ["true", "false", "switch.siege", "switch.calm", "client.ip in list.wall", "client.rate >= 1"]
    ),
    some.builds(lambda reads: f"{reads} in list.agents", READS),
    some.builds(
        lambda networks: f"client.ip in [{', '.join(map(write, networks))}]",
        some.lists(NETWORKS, min_size=1, max_size=3),
    ),
    some.builds(_compare, READS, some.lists(TEXTS, min_size=1, max_size=3, unique=True)),
    some.builds(_call, READS, some.sampled_from(["startsWith", "endsWith", "contains"]), TEXTS),
    some.builds(_call, READS, some.just("matches"), PATTERNS),
    some.builds(
        lambda reads, relation, number: f"{reads} {relation} {number}",
        NUMBERS,
        some.sampled_from(["==", "!=", "<", "<=", ">", ">="]),
        some.sampled_from([0, 3, 7, 100, 64496]),
    ),
)


def compose_conditions(count: int) -> list[str]:
    """Return conditions of one to four tests."""
    dice, tests = Random(count), collect(TESTS, 2 * count)
    return [_combine(dice, dice.choices(tests, k=dice.choice([1, 1, 2, 3, 4]))) for _ in range(count)]


def _combine(dice: Random, parts: list[str]) -> str:
    if len(parts) == 1:
        return parts[0] if dice.random() < _POSITIVE else f"!({parts[0]})"
    middle = dice.randint(1, len(parts) - 1)
    operator = dice.choice(["&&", "||"])
    return f"({_combine(dice, parts[:middle])} {operator} {_combine(dice, parts[middle:])})"


def _change_headers(at: str) -> SearchStrategy[str]:
    values = some.sampled_from(["one", "two %", "'three' \"3\""])
    names = some.sampled_from(["X-One", "X-Two", "X-Key", "X-Set", "User-Agent"])
    return some.builds(
        lambda asked, gone, told, off: (
            f"headers = {{ request = {{ set = {_table(asked)}, remove = {json.dumps(gone)} }},"
            f" response = {{ set = {_table(told)}, remove = {json.dumps(off)} }} }}"
        ),
        some.dictionaries(names, values, max_size=1),
        some.lists(names, max_size=1),
        some.dictionaries(some.sampled_from(["X-Out", f"X-Out-{at}", "X-Origin"]), values, max_size=2),
        some.lists(some.sampled_from(["X-Out", "X-Origin"]), max_size=1),
    )


def _table(values: Mapping[str, str]) -> str:
    return "{ " + ", ".join(f"{name} = {json.dumps(value)}" for name, value in values.items()) + " }"


REDIRECTS = some.builds(
    lambda to, keeps_path, keeps_query, status: (
        f'redirect = {{ to = "{to}", keep_path = {str(keeps_path and "?" not in to).lower()},'
        f" keep_query = {str(keeps_query).lower()}, status = {status} }}"
    ),
    some.sampled_from(["/", "/new", "/new?a=%25", "https://example.org", "https://example.org/x/"]),
    some.booleans(),
    some.booleans(),
    some.sampled_from([301, 302, 303, 307, 308]),
)
ACTIONS: dict[str, tuple[SearchStrategy[str], ...]] = {
    "admit": (
        some.just('respond = { status = 403, headers = { X-By = "NUMBER %" }, body = "rule NUMBER %\\n" }'),
        some.just('decoy = { answers = [{ status = 201, body = "NUMBER" }, { status = 402 }] }'),
        REDIRECTS,
        some.sampled_from([0, 1_000_000]).map(
            lambda requests: f'limit = {{ requests = {requests}, seconds = 60, body = "too many NUMBER" }}'
        ),
        _change_headers("ingress"),
        _change_headers("ingress"),
    ),
    "serve": (
        some.just('respond = { status = 410, headers = { X-By = "NUMBER %" }, body = "rule NUMBER %\\n" }'),
        REDIRECTS,
        _change_headers("cache"),
        _change_headers("cache"),
        some.just('cache = { ttl_seconds = NUMBER, tags = ["tNUMBER"] }'),
        some.just("pass = {}"),
        some.sampled_from(['to = "/r"', 'to = "/r", prefix = "/a"', 'to = "/a\\\\1", prefix = "/"']).map(
            lambda route: f"route = {{ {route} }}"
        ),
        some.just("split = { arms = { plain = 1, bold = 1 } }"),
    ),
}
"""By phase; NUMBER stands for the rule's."""


def collect_actions(count: int) -> dict[str, list[list[str]]]:
    """Return actions by phase and kind."""
    return {phase: [collect(kind, count) for kind in kinds] for phase, kinds in ACTIONS.items()}


_ENDING = ("respond", "decoy", "redirect", "limit = { requests = 0")


def compose(seed: int, conditions: list[str], actions: Mapping[str, list[list[str]]]) -> str:
    """Return a policy of a dozen rules; those that answer are for few requests, so that the others are tried too."""
    dice = Random(seed)
    text = DECLARED + READS_ALL
    for number in range(1, dice.randint(10, 18)):
        phase = dice.choice(["admit", "serve", "serve"])
        action = dice.choice(dice.choice(actions[phase])).replace("NUMBER", str(number))
        needed = dice.sample(conditions, 2 if action.startswith(_ENDING) else 1)
        when = " && ".join(f"({condition})" for condition in needed)
        text += f"""
[[rule]]
name = "rule-{number}"
phase = "{phase}"
when = '''{when}'''
{action}
"""
    return text


COOKIES = some.sampled_from(
    [
        *("lang=fr", "a=1; lang=fr ;a-b.c=x, y", "lang=de;lang=fr", "lang=fr; lang=de", "xlang=fr", "lang"),
        *("lang=", "lang = fr", "a-b.c=50%; lang=a b", 'lang="}', "a-bxc=b", "a=lang=fr", "; lang=bold;"),
    ]
)
HEADERS = some.fixed_dictionaries(
    {},
    optional={
        "x-key": TEXTS,
        "x-set": TEXTS,
        "user-agent": TEXTS,
        "cookie": COOKIES,
        "content-length": some.sampled_from(["0", "3", "100"]),
    },
)


def collect(strategy: SearchStrategy[T], count: int) -> list[T]:
    """Return so many different things, the same ones each time, out of many more: neighbours are much alike."""
    found: list[T] = []

    @settings(max_examples=6 * count, derandomize=True, database=None, deadline=None, phases=[Phase.generate])
    @given(strategy)
    def keep(one: T) -> None:
        if one not in found:
            found.append(one)

    keep()
    Random(count).shuffle(found)
    return found[:count]


def _describe(client: str, **others: Any) -> Request:
    country, asn = COUNTRIES.get(client, "unknown"), ASNS.get(client, 0)
    return Request(client=client, country=country, asn=asn, **others)


REQUESTS: SearchStrategy[Request] = some.builds(
    _describe,
    some.sampled_from(["127.0.0.1", "127.0.0.9", "127.0.0.11", "127.0.0.60"]),
    method=some.sampled_from(["GET", "GET", "POST", "DELETE"]),
    host=some.sampled_from(["example.org", "b", "other"]),
    path=some.sampled_from(
        ["/", "/a", "/a.b/}", "/axb/}", "/r", "/a/100", "/a+b", "/caf%C3%A9", "/'x'", "/GET"]
    ),
    query=some.sampled_from(["", "x=1", "x=1&y=%25", "?", "50%25", "x,y", "'"]),
    headers=HEADERS,
)
