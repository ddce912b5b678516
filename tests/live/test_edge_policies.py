"""Policies and requests that Hypothesis makes up: the simulator and the running edge come to the same verdict.

Where they may differ, a line of `edge_waivers.txt` says so.
"""

from __future__ import annotations

import http.client
import itertools
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cache
from pathlib import Path

import pytest

from handshake.core.problem import ProblemsError
from handshake.edge.ingress.compile.maps import FOREVER, SWITCHES_MAP, text_key
from handshake.edge.policy.actions import Decoy, Limit, Redirect, Split, cookie_of
from handshake.edge.policy.condition import Declared, parse_condition
from handshake.edge.policy.declarations import ListKind
from handshake.edge.policy.expression import Expression, check_size
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.request import Request
from handshake.edge.policy.variables import Phase
from handshake.edge.simulate.answers import compose_answers
from handshake.edge.simulate.evaluate import Evaluator
from handshake.edge.simulate.verdict import RequestVerdict
from tests.cel_oracle import ask_cel, judge_by_cel
from tests.live.edge_policies import (
    ASNS,
    COUNTRIES,
    DECLARED,
    LIVE,
    READS_ALL,
    REQUESTS,
    collect,
    collect_actions,
    compose,
    compose_conditions,
)
from tests.live.edges import Edge, Seen, run_edge
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

WAIVED = tuple(
    line.split("#")[0].rstrip()
    for line in (Path(__file__).parent / "edge_waivers.txt").read_text().splitlines()
    if line.split("#")[0].strip()
)
ORIGIN = {"X-Origin": "o", "X-Out": "o", "Vary": "X-Nonce", "Content-Type": "text/plain"}
WATCHED = ("x-one", "x-two", "x-key", "x-set", "user-agent")
OUTGOING = ("x-out", "x-out-ingress", "x-out-cache", "x-origin", "x-by")
POLICIES = 12
CONDITIONS_OF_EACH_PHASE = 160
ACTIONS_OF_EACH_KIND = 20
REQUESTS_OF_EACH = 60


class Everywhere(dict[str, tuple[int, dict[str, str], str]]):
    """An origin's files: the same answer at every path."""

    def get(self, *_: object) -> tuple[int, dict[str, str], str]:
        """Return the answer."""
        return 200, ORIGIN, "origin"


@dataclass(frozen=True, kw_only=True)
class Found:
    """What came back, and what reached the origin."""

    status: int
    headers: dict[str, str]
    body: str
    seen: Seen | None


@cache
def requests() -> list[Request]:
    """Return the requests."""
    return collect(REQUESTS, REQUESTS_OF_EACH)


@cache
def texts() -> list[str]:
    """Return the policies."""
    actions = collect_actions(ACTIONS_OF_EACH_KIND)
    composed = (compose(seed, telling(), actions) for seed in itertools.count())
    return list(itertools.islice(filter(is_readable, composed), POLICIES))


def is_readable(text: str) -> bool:
    """Tell whether a policy has no problems: a condition may have too many alternatives."""
    try:
        read_text(text)
    except ProblemsError:
        return False
    return True


def set_live_data(edge: Edge) -> None:
    """Turn switches and fill lists as the simulator has them."""
    edge.maps.replace(str(edge.folder / "maps" / SWITCHES_MAP), dict.fromkeys(LIVE.switches_on, str(FOREVER)))
    edge.maps.replace(edge.map_name("wall"), {str(its): str(FOREVER) for its in LIVE.lists["wall"]})
    agents = {text_key(text): str(FOREVER) for text in LIVE.text_lists["agents"]}
    edge.maps.replace(edge.map_name("agents"), agents)
    edge.gateway.files = Everywhere()


def ask(edge: Edge, request: Request, nonce: str = "") -> Found:
    """Send a request as it is described."""
    edge.gateway.seen.clear()
    connection = http.client.HTTPConnection(
        "127.0.0.1", edge.port, timeout=10, source_address=(request.client, 0)
    )
    url = f"{request.path}?{request.query}" if request.query else request.path
    connection.putrequest(request.method, url, skip_host=True, skip_accept_encoding=True)
    for name, value in {"host": request.host, **request.headers, "x-nonce": nonce}.items():
        connection.putheader(name, value.encode())
    connection.endheaders(b"x" * request.size)
    response = connection.getresponse()
    body = response.read().decode()
    connection.close()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Found(status=response.status, headers=headers, body=body, seen=next(iter(edge.gateway.seen), None))


def check_answer(verdict: RequestVerdict, found: Found) -> None:
    """The answer is one of those that the simulator expects."""
    ending = verdict.ending
    assert ending
    fits = [
        its
        for its in compose_answers(verdict)
        if its.status == found.status and (isinstance(ending.action, Redirect) or its.body == found.body)
    ]
    assert fits
    headers = {name: value for name, value in fits[0].headers.items() if name != "content-type"}
    assert {name: found.headers.get(name) for name in headers} == headers
    assert {name for name in OUTGOING if name in found.headers} == headers.keys() & set(OUTGOING)
    assert found.seen is None


def check_way(verdict: RequestVerdict, found: Found) -> None:
    """The request reaches the origin as the simulator expects, and the answer comes back so."""
    assert (found.status, found.body) == (200, "origin")
    assert found.seen
    path, _, query = found.seen.path.partition("?")
    assert (path, query) == (verdict.request.path, verdict.request.query)
    seen = {name: value.encode("latin-1").decode() for name, value in found.seen.headers.items()}
    for name in WATCHED:
        assert seen.get(name, "") == verdict.request.headers.get(name, ""), name
    for rule in verdict.matched:
        if isinstance(rule.action, Split):
            assert seen[f"x-arm-{rule.name}"] == verdict.request.arms[rule.name]
    check_outgoing(verdict, found)


def check_outgoing(verdict: RequestVerdict, found: Found) -> None:
    """The answer's headers are as the rules want them, and it is kept as they say."""
    headers = {name.lower(): value for name, value in ORIGIN.items()}
    for changes in verdict.answer_headers:
        headers = {name: its for name, its in headers.items() if name not in map(str.lower, changes.remove)}
        headers |= {name.lower(): value for name, value in changes.set.items()}
    for name in OUTGOING:
        assert found.headers.get(name) == headers.get(name), name
    ttl = verdict.caching.ttl_seconds
    is_kept = ttl is not None and not verdict.passes and verdict.request.method == "GET"
    assert found.headers.get("cache-control") == (f"public, max-age={ttl}" if is_kept else None)


def carry_arms(policy: EdgePolicy, request: Request, number: int) -> Request:
    """Return the request of a visitor who has an arm of every split."""
    arms = {
        rule.name: ("plain", "bold")[number % 2] for rule in policy.rules if isinstance(rule.action, Split)
    }
    cookies = [request.headers.get("cookie", ""), *(f"{cookie_of(name)}={arm}" for name, arm in arms.items())]
    headers = {**request.headers, "cookie": "; ".join(filter(None, cookies))} if arms else request.headers
    return replace(request, headers=headers, arms=arms)


@pytest.mark.parametrize("number", range(POLICIES))
def test_whole_policies(number: int) -> None:
    """Rules of all kinds, one after the other, do to every request what the simulator says."""
    text = texts()[number]
    policy = read_text(text)
    exceeded = [rule.name for rule, limit in policy.select_limits() if limit.requests == 0]
    live = replace(LIVE, exceeded=frozenset(exceeded))
    with run_edge(policy, (), write_map(COUNTRIES), networks=write_map(ASNS)) as edge:
        set_live_data(edge)
        for place, drawn in enumerate(requests()):
            request = carry_arms(policy, drawn, place)
            verdict, found = judge_by_cel(policy, request, live), ask(edge, request, f"{place}")
            try:
                (check_answer if verdict.ending else check_way)(verdict, found)
            except AssertionError as error:
                matched = [rule.name for rule in verdict.matched]
                raise AssertionError(f"{text}\n{request}\n{matched}\n{found}\n{error}") from error


def write_map(values: Mapping[str, object]) -> str:
    """Return an ingress's map."""
    return "".join(f"{key} {value}\n" for key, value in values.items())


def write_conditions(conditions: list[str]) -> str:
    """Return a policy with every condition in each phase; the header X-Case chooses one."""
    rules = (
        f"""
[[rule]]
name = "{phase}-{number}"
phase = "{phase}"
when = '''request.header["x-case"] == "{phase}-{number}" && ({condition})'''
respond = {{ status = 418 }}
"""
        for phase in Phase
        for number, condition in enumerate(conditions)
    )
    return DECLARED + READS_ALL + "".join(rules)


@cache
def conditions() -> list[str]:
    """Return the conditions."""
    some = compose_conditions(CONDITIONS_OF_EACH_PHASE)
    return [its for its in some if not check_size(_parse(its)) and its not in WAIVED]


@cache
def telling() -> list[str]:
    """Return the conditions that hold for some of the requests, and not for all."""
    evaluator = Evaluator(read_text(DECLARED), LIVE)
    return [
        its for its in conditions() if len({evaluator.evaluate(_parse(its), one) for one in requests()}) == 2
    ]


@cache
def _parse(condition: str) -> Expression:
    lists = {"wall": ListKind.NETWORK, "agents": ListKind.TEXT}
    declared = Declared(switches=frozenset({"siege", "calm"}), lists=lists)
    return parse_condition(condition, declared, Phase.SERVE)[0]


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    """Run an edge with all conditions."""
    policy = read_text(write_conditions(conditions()))
    with run_edge(policy, (), write_map(COUNTRIES), networks=write_map(ASNS)) as edge:
        set_live_data(edge)
        yield edge


@pytest.mark.parametrize("phase", list(Phase))
def test_conditions(edge: Edge, phase: Phase) -> None:
    """A condition holds at the running edge exactly where CEL's own evaluator says that it does."""
    wrong = []
    for number, condition in enumerate(conditions()):
        for request in requests()[number % 5 :: 5]:
            told = replace(request, headers={**request.headers, "x-case": f"{phase}-{number}"})
            expected = ask_cel(condition, edge.policy, told, LIVE)
            if (ask(edge, told).status == 418) is not expected:
                wrong.append(f"{condition}  expected {expected} of {request}")
    assert not wrong, "\n".join(wrong)


def test_examples_are_worth_it() -> None:
    """Among what was made up, every kind of ending, change and answer is there, and many conditions hold now and then."""
    kinds = set()
    for text in texts():
        kinds |= {type(rule.action) for rule in read_text(text).rules}
    assert {Decoy, Limit, Redirect, Split} < kinds
    assert len(telling()) > len(conditions()) / 4
