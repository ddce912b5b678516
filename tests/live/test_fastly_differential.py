"""The same policy, the same requests: Fastly's text, executed by falco, against CEL's own evaluator.

The door and the cache are held to the same conditions and requests by `test_edge_differential.py`: so a policy means the
same with Fastly in front and with Fastly gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import celpy
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as some

from handshake.edge.door.maps import FOREVER
from handshake.edge.fastly.containers import SWITCHES
from handshake.edge.fastly.standalone import Account
from handshake.edge.fastly.surroundings import FastlySurroundings
from handshake.edge.phase import Phase
from handshake.edge.policy import Policy
from handshake.edge.simulate import Request, simulate
from tests.live.edges import Origin, serve_origin
from tests.live.falco import Simulator, print_service, run_simulator, stand_in
from tests.live.test_edge_differential import CONDITIONS, LIVE, REQUESTS, choose, write_policy
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

celpy.Environment()  # now and not during a test: it raises the recursion limit, which Hypothesis watches

_COUNTRIES = {its.client: its.country for its in REQUESTS if its.country != "unknown"}
_TABLES = {"countries": _COUNTRIES, "networks": {"127.0.0.9": "64496"}}

_TEXTS = some.sampled_from(
    ["", "/", "/a.b/}", "US", "GET", "x=1", "a b", 'quoted "text"', "50%", "other", "\\d"]
)
_READS = some.sampled_from(
    [
        "client.country",
        "request.method",
        "request.host",
        "request.path",
        "request.query",
        "request.user_agent",
        'request.header["x-key"]',
        'request.cookie["lang"]',
    ]
)
_TESTS = some.one_of(
    some.sampled_from(["switch.siege", "switch.calm", "client.ip in list.wall", "client.asn == 64496"]),
    some.sampled_from(['client.ip in ["127.0.0.0/29"]', "request.size < 2", "client.rate >= 1"]),
    some.builds(lambda reads, text: f"{reads} == {_print(text)}", _READS, _TEXTS),
    some.builds(lambda reads, text: f"{reads} in [{_print(text)}, {_print('US')}]", _READS, _TEXTS),
    some.builds(
        lambda reads, method, text: f"{reads}.{method}({_print(text)})",
        _READS,
        some.sampled_from(["startsWith", "endsWith", "contains"]),
        _TEXTS.filter(bool),
    ),
    some.builds(
        lambda reads, pattern: f"{reads}.matches({_print(pattern)})",
        _READS,
        some.sampled_from(["^$", "(?i)us|get", "[0-9]{2,3}$", "^/?[a-z.]*$", '"|%']),
    ),
)
_GENERATED = some.recursive(
    _TESTS,
    lambda inner: some.one_of(
        some.builds(lambda its: f"!({its})", inner),
        some.builds(lambda a, b: f"({a} && {b})", inner, inner),
        some.builds(lambda a, b: f"({a} || {b})", inner, inner),
    ),
    max_leaves=5,
)


def _print(text: str) -> str:
    return '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"'


@contextmanager
def run_fastly(policy: Policy, folder: Path) -> Iterator[Simulator]:
    """Run a policy's text at falco, in front of an origin that has nothing."""
    account = Account(
        origin_host="127.0.0.1",
        entries={"hs_list_wall_2": [str(its) for its in LIVE.lists["wall"]]},
        items={SWITCHES: dict.fromkeys(LIVE.switches_on, str(FOREVER))},
    )
    origin = Origin()
    with ExitStack() as stack:
        stack.enter_context(serve_origin(origin))
        account = replace(account, origin_port=origin.port)
        text = print_service(policy, FastlySurroundings(shards=2), account)
        yield stack.enter_context(run_simulator(stand_in(text, ("country", "network"), _TABLES), folder))


def ask(simulator: Simulator, request: Request, told: Request) -> int:
    """Return the status with which the service answers a request."""
    url = f"{request.path}?{request.query}" if request.query else request.path
    headers = {**told.headers, "Host": request.host}
    return simulator.ask(url, method=request.method, source=request.client, headers=headers).status


@pytest.fixture(scope="module")
def fastly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Policy, Simulator]]:
    """Run the policy with every condition in each phase."""
    policy = read_text(write_policy())
    with run_fastly(policy, tmp_path_factory.mktemp("falco")) as simulator:
        yield policy, simulator


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("number", range(len(CONDITIONS)), ids=lambda number: CONDITIONS[number])
def test_fastly_and_evaluator_agree(fastly: tuple[Policy, Simulator], phase: Phase, number: int) -> None:
    """A condition holds at Fastly exactly where CEL's own evaluator says that it does, as at the house's own edge."""
    policy, simulator = fastly
    for request in REQUESTS:
        told = choose(request, phase, number)
        expected = simulate(policy, told, LIVE).statuses or (404,)
        assert (ask(simulator, request, told),) == expected, request


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(conditions=some.lists(_GENERATED, min_size=4, max_size=8))
def test_generated_policies_mean_the_same(conditions: list[str], tmp_path: Path) -> None:
    """Whatever conditions a policy has, Fastly answers every request with the status that the evaluator expects."""
    policy = read_text(
        '[switches.siege]\ndescription = "on"\n[switches.calm]\ndescription = "off"\n'
        '[lists.wall]\nkind = "network"\n'
        + "".join(
            f'[[rule]]\nname = "r{number}"\nphase = "{"admit" if number % 2 else "serve"}"\n'
            f"when = '''{condition}'''\nrespond = {{ status = {420 + number} }}\n"
            for number, condition in enumerate(conditions)
        )
    )
    with run_fastly(policy, tmp_path) as simulator:
        for request in REQUESTS:
            asn = 64496 if request.client == "127.0.0.9" else 0
            told = replace(request, host=request.host.lower().partition(":")[0], asn=asn)
            expected = simulate(policy, told, LIVE).statuses or (404,)
            assert (ask(simulator, request, told),) == expected, request


def test_the_list_is_one_list() -> None:
    """The requests of this file meet the wall, and miss it."""
    (wall,) = LIVE.lists["wall"]
    assert {ip_address(its.client) in wall for its in REQUESTS} == {True, False}
