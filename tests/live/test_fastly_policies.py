"""The policies and requests that Hypothesis makes up for the campaign's own edge, at Fastly: the same verdicts.

What `test_edge_policies.py` demands of HAProxy and Varnish is demanded here of Fastly's text, as falco runs it.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from hashlib import sha256
from pathlib import Path
from urllib.parse import parse_qsl, unquote

import pytest

from handshake.edge.fastly.compile.containers import SEAL_KEY, SEALS, SWITCHES, LinterAccount
from handshake.edge.fastly.compile.target import FastlyTarget
from handshake.edge.ingress.compile.maps import FOREVER
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.request import Request
from handshake.edge.policy.variables import Phase
from handshake.edge.simulate.verdict import RequestVerdict
from tests.cel_oracle import ask_cel, judge_by_cel
from tests.live.edge_policies import ASNS, COUNTRIES, LIVE
from tests.live.edges import Origin, serve_origin
from tests.live.falco import Simulator, lint, print_service, read_waivers, run_simulator, stand_in
from tests.live.test_edge_policies import (
    POLICIES,
    Everywhere,
    Found,
    carry_arms,
    check_answer,
    check_way,
    conditions,
    requests,
    texts,
    write_conditions,
)
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

_TABLES = {"countries": COUNTRIES, "networks": {client: str(asn) for client, asn in ASNS.items()}}
_CONDITIONS = 24
"""Falco reads the whole text again for every request."""
_REQUESTS = 20


def print_policy(policy: EdgePolicy, port: int) -> str:
    """Return a policy's text with the live data of all made-up requests."""
    account = LinterAccount(
        origin_host="127.0.0.1",
        origin_port=port,
        entries={"hs_list_wall_1": [str(its) for its in LIVE.lists["wall"]]},
        items={
            SWITCHES: dict.fromkeys(LIVE.switches_on, str(FOREVER)),
            SEALS: {SEAL_KEY: "a2V5"},
            "hs_list_agents_1": {
                sha256(text.encode()).hexdigest(): str(FOREVER) for text in LIVE.text_lists["agents"]
            },
        },
    )
    return print_service(policy, FastlyTarget(), account)


@contextmanager
def run_policy(policy: EdgePolicy, folder: Path) -> Iterator[tuple[Simulator, Origin]]:
    """Run a policy at falco, in front of an origin that answers everywhere."""
    origin = Origin(files=Everywhere())
    with ExitStack() as stack:
        stack.enter_context(serve_origin(origin))
        text = stand_in(print_policy(policy, origin.port), ("country", "network", "vary"), _TABLES)
        yield stack.enter_context(run_simulator(text, folder)), origin


def ask(simulator: Simulator, origin: Origin, request: Request) -> Found:
    """Send a request as it is described."""
    origin.seen.clear()
    url = f"{request.path}?{request.query}" if request.query else request.path
    found = simulator.ask(
        url,
        method=request.method,
        source=request.client,
        headers={"Host": request.host, **request.headers},
        body="x" * request.size,
    )
    seen = next(iter(origin.seen), None)
    if seen and seen.headers.get("user-agent", "").startswith("Go-") and "agent" in read_waivers():
        del seen.headers["user-agent"]
    return Found(status=found.status, headers=found.headers, body=found.body, seen=seen)


def check(verdict: RequestVerdict, found: Found) -> None:
    """Hold what was found against the verdict."""
    if found.seen:
        found = replace(found, seen=replace(found.seen, path=_respell(found.seen.path, verdict.request)))
    (check_answer if verdict.ending else check_way)(verdict, found)


def _respell(url: str, expected: Request) -> str:
    """Return the expected spelling of a URL that falco has written anew, if it means the same."""
    wanted = f"{expected.path}?{expected.query}" if expected.query else expected.path
    is_same = "spelling" in read_waivers() and _read(url) == _read(wanted)
    return wanted if is_same else url


def _read(url: str) -> tuple[str, list[tuple[str, str]]]:
    path, _, query = url.partition("?")
    return unquote(path), parse_qsl(query, keep_blank_values=True)


@pytest.mark.parametrize("number", range(POLICIES))
def test_whole_policies(number: int, tmp_path: Path) -> None:
    """Rules of all kinds, one after the other, do at Fastly to every request what the simulator says; no lint is told."""
    text = texts()[number]
    policy = read_text(text)
    assert lint(print_policy(policy, 443), tmp_path) == []
    exceeded = [rule.name for rule, limit in policy.select_limits() if limit.requests == 0]
    live = replace(LIVE, exceeded=frozenset(exceeded))
    with run_policy(policy, tmp_path) as (simulator, origin):
        for place, drawn in enumerate(requests()[:_REQUESTS]):
            request = carry_arms(policy, drawn, place)
            verdict, found = judge_by_cel(policy, request, live), ask(simulator, origin, request)
            try:
                check(verdict, found)
            except AssertionError as error:
                matched = [rule.name for rule in verdict.matched]
                raise AssertionError(f"{text}\n{request}\n{matched}\n{found}\n{error}") from error


def test_conditions(tmp_path: Path) -> None:
    """A condition holds at Fastly exactly where CEL's own evaluator says that it does."""
    some = conditions()[:_CONDITIONS]
    policy = read_text(write_conditions(some))
    wrong = []
    with run_policy(policy, tmp_path) as (simulator, origin):
        for number, condition in enumerate(some):
            for request in requests()[number % 10 :: 10]:
                phase = list(Phase)[number % 2]
                told = replace(request, headers={**request.headers, "x-case": f"{phase}-{number}"})
                expected = ask_cel(condition, policy, told, LIVE)
                if (ask(simulator, origin, told).status == 418) is not expected:
                    wrong.append(f"{condition}  expected {expected} of {request}")
    assert not wrong, "\n".join(wrong)
