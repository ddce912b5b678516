"""The same policy, the same requests: Fastly's text, executed by falco, against CEL's own evaluator.

The ingress and the cache are held to the same conditions and requests by `test_edge_differential.py`: so a policy means the
same with Fastly in front and with Fastly gone.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import replace
from ipaddress import ip_address
from pathlib import Path

import pytest

from handshake.edge.fastly.compile.containers import SWITCHES, LinterAccount
from handshake.edge.fastly.compile.target import FastlyTarget
from handshake.edge.ingress.compile.maps import FOREVER
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.request import Request
from handshake.edge.policy.variables import Phase
from tests.cel_oracle import judge_by_cel
from tests.live.edges import Origin, serve_origin
from tests.live.falco import Simulator, print_service, run_simulator, stand_in
from tests.live.test_edge_differential import CONDITIONS, LIVE, REQUESTS, choose, write_policy
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

_COUNTRIES = {its.client: its.country for its in REQUESTS if its.country != "unknown"}
_TABLES = {"countries": _COUNTRIES, "networks": {"127.0.0.9": "64496"}}


@contextmanager
def run_fastly(policy: EdgePolicy, folder: Path) -> Iterator[Simulator]:
    """Run a policy's text at falco, in front of an origin that has nothing."""
    account = LinterAccount(
        origin_host="127.0.0.1",
        entries={"hs_list_wall_2": [str(its) for its in LIVE.lists["wall"]]},
        items={SWITCHES: dict.fromkeys(LIVE.switches_on, str(FOREVER))},
    )
    origin = Origin()
    with ExitStack() as stack:
        stack.enter_context(serve_origin(origin))
        account = replace(account, origin_port=origin.port)
        text = print_service(policy, FastlyTarget(shards=2), account)
        yield stack.enter_context(run_simulator(stand_in(text, ("country", "network"), _TABLES), folder))


def ask(simulator: Simulator, request: Request, told: Request) -> int:
    """Return the status with which the service answers a request."""
    url = f"{request.path}?{request.query}" if request.query else request.path
    headers = {**told.headers, "Host": request.host}
    return simulator.ask(url, method=request.method, source=request.client, headers=headers).status


@pytest.fixture(scope="module")
def fastly(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[EdgePolicy, Simulator]]:
    """Run the policy with every condition in each phase."""
    policy = read_text(write_policy())
    with run_fastly(policy, tmp_path_factory.mktemp("falco")) as simulator:
        yield policy, simulator


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("number", range(len(CONDITIONS)), ids=lambda number: CONDITIONS[number])
def test_fastly_and_evaluator_agree(fastly: tuple[EdgePolicy, Simulator], phase: Phase, number: int) -> None:
    """A condition holds at Fastly exactly where CEL's own evaluator says that it does, as at the campaign's own edge."""
    policy, simulator = fastly
    for request in REQUESTS:
        told = choose(request, phase, number)
        expected = judge_by_cel(policy, told, LIVE).statuses or (404,)
        assert (ask(simulator, request, told),) == expected, request


def test_the_list_is_one_list() -> None:
    """The requests of this file meet the wall, and miss it."""
    (wall,) = LIVE.lists["wall"]
    assert {ip_address(its.client) in wall for its in REQUESTS} == {True, False}
