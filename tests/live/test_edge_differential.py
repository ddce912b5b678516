"""Every operator, at the ingress and at the cache, against CEL's own evaluator, on the same requests."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from ipaddress import ip_network
from itertools import product

import pytest

from handshake.edge.ingress.compile.maps import FOREVER, SWITCHES_MAP
from handshake.edge.policy.request import LiveData, Request
from handshake.edge.policy.variables import Phase
from tests.cel_oracle import judge_by_cel
from tests.live.edges import Edge, run_edge
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

CONDITIONS = (
    "switch.siege",
    "!switch.calm && !(switch.siege && switch.calm)",
    "client.ip in list.wall",
    '!(client.ip in list.wall) || client.ip == "127.0.0.7"',
    'client.ip in ["127.0.0.8/30", "2001:db8::/32"]',
    'client.country in ["US", "PR"] || client.country == "unknown"',
    'request.method != "GET"',
    'request.host == "example.org"',
    'request.path.startsWith("/a.b") && request.path.endsWith("}")',
    'request.path.contains("+") || request.path.matches("^/[0-9]{2,3}$")',
    'request.query == ""',
    'request.query != "" && !request.query.contains("x=1")',
    'request.user_agent.matches("(?i)bot") || request.user_agent == ""',
    'request.header["X-Key"] == ""',
    '!(request.header["X-Key"].matches("^$|^secret$"))',
    'request.header["X-Key"] in ["-f", "}", "a b", "quoted \\"text\\""]',
    '(switch.siege || client.ip in list.wall) && !(client.country == "US" && request.method == "POST")',
)
FIRST_STATUS = 420
REQUESTS = (
    Request(client="127.0.0.1", host="example.org"),
    Request(client="127.0.0.7", host="example.org", method="POST", query="x=1&y=2"),
    Request(client="127.0.0.9", host="EXAMPLE.org:80", country="US", method="POST", query="y=2"),
    Request(client="127.0.0.9", host="other", country="US", path="/a.b/}", headers={"x-key": "secret"}),
    Request(client="127.0.0.11", host="other", path="/axb/}", headers={"x-key": "-f", "user-agent": "aBot"}),
    Request(client="127.0.0.1", host="other", path="/123", headers={"x-key": "}", "user-agent": "x"}),
    Request(client="127.0.0.1", host="other", path="/1234", query="?", headers={"x-key": "a b"}),
    Request(client="127.0.0.1", host="other", path="/a+b", headers={"x-key": 'quoted "text"'}),
    Request(client="127.0.0.60", country="DE", host="other", path="/a%20b", headers={"x-key": ""}),
)
LIVE = LiveData(switches_on=frozenset({"siege"}), lists={"wall": (ip_network("127.0.0.8/30"),)})


def write_policy() -> str:
    """Return a policy with every condition in each phase; the header X-Case chooses one."""
    rules = "".join(
        f"""
[[rule]]
name = "{phase}-{number}"
phase = "{phase}"
when = '''request.header["x-case"] == "{phase}-{number}" && ({condition})'''
respond = {{ status = {FIRST_STATUS + number} }}
"""
        for phase, (number, condition) in product(Phase, enumerate(CONDITIONS))
    )
    return f"""
[switches.siege]
description = "on"
[switches.calm]
description = "off"
[lists.wall]
kind = "network"
protected = ["127.0.0.11"]
{rules}"""


def choose(request: Request, phase: Phase, number: int) -> Request:
    """Return the request as the rules shall see it, with the header that chooses a condition."""
    headers = {**request.headers, "x-case": f"{phase}-{number}"}
    return replace(request, host=request.host.lower().partition(":")[0], headers=headers)


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    """Run an edge with that policy."""
    with run_edge(read_text(write_policy()), (), "127.0.0.9 US\n127.0.0.60 DE\n") as edge:
        edge.maps.replace(str(edge.folder / "maps" / SWITCHES_MAP), {"siege": str(FOREVER)})
        edge.maps.replace(edge.map_name("wall"), {"127.0.0.8/30": str(FOREVER)})
        yield edge


@pytest.mark.parametrize("phase", list(Phase))
@pytest.mark.parametrize("number", range(len(CONDITIONS)), ids=lambda number: CONDITIONS[number])
def test_edge_and_evaluator_agree(edge: Edge, phase: Phase, number: int) -> None:
    """A condition holds at the running edge exactly where CEL's own evaluator says that it does."""
    for request in REQUESTS:
        told = choose(request, phase, number)
        expected = judge_by_cel(edge.policy, told, LIVE).statuses or (404,)
        url = f"{request.path}?{request.query}" if request.query else request.path
        found = edge.ask(
            url, method=request.method, source=request.client, headers={**told.headers, "Host": request.host}
        )
        assert (found.status,) == expected, request


def test_every_condition_is_put_to_the_test() -> None:
    """Each condition holds for some of the requests and not for all, so that agreement means something."""
    policy = read_text(write_policy())
    for number in range(len(CONDITIONS)):
        verdicts = {
            bool(judge_by_cel(policy, choose(request, Phase.ADMIT, number), LIVE).matched)
            for request in REQUESTS
        }
        assert verdicts == {True, False} or CONDITIONS[number].startswith(("switch", "!switch"))
