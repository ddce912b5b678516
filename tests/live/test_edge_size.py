"""A policy of 500 rules, requests with 200 headers, answers with 40, a URL of 64 kB: served, or refused clearly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from handshake.edge.policy.checks import LARGEST_ANSWER_BYTES, LARGEST_HEAD_BYTES, MOST_HEADERS
from tests.live.edges import Edge, run_edge
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

RULES = 500
HEADERS = {f"X-Spout-{number}": str(number) * 20 for number in range(10, 10 + MOST_HEADERS - 1)}
HEADERS["X-Rest"] = "x" * (
    LARGEST_HEAD_BYTES - sum(len(name) + len(its) + 4 for name, its in HEADERS.items()) - 10
)
"""As many headers, and as large, as a policy may write."""


def write_policy(rules: int) -> str:
    """Return a policy of so many rules, half of them in each phase, of which the last ones hold."""
    return "".join(
        f"""
[[rule]]
name = "rule-{number}"
phase = "{"admit" if number % 2 else "serve"}"
when = 'request.path == "/{number}" && request.header["x-{number % 50}"] != "x" || request.cookie["c"] == "{number}"'
respond = {{ status = 410, body = "{number}" }}
"""
        for number in range(1, rules + 1)
    )


def write_long_answers() -> str:
    """Return a policy of answers as long as they may be, at the ingress, by lot, and at the cache."""
    headers = ", ".join(f'{name} = "{value}"' for name, value in HEADERS.items())
    answer = f"status = 418, headers = {{ {headers} }}, body = "
    body = "b" * (LARGEST_ANSWER_BYTES - LARGEST_HEAD_BYTES)
    return f"""
[[rule]]
name = "mark"
phase = "admit"
when = 'true'
headers = {{ response = {{ set = {{ X-Spout-{MOST_HEADERS} = "marked" }} }} }}
[[rule]]
name = "ingress"
phase = "admit"
when = 'request.path == "/ingress"'
respond = {{ {answer}"{body}" }}
[[rule]]
name = "decoy"
phase = "admit"
when = 'request.path == "/decoy"'
decoy = {{ answers = [{{ {answer}"{body}" }}, {{ {answer}"{body}" }}], order = ["X-Rest"] }}
[[rule]]
name = "cache"
phase = "serve"
when = 'request.path == "/cache"'
respond = {{ {answer}"{body}" }}
"""


@pytest.fixture(scope="module")
def wordy() -> Iterator[Edge]:
    """Run an edge whose answers are long."""
    with run_edge(read_text(write_long_answers()), (), "") as edge:
        yield edge


@pytest.fixture(scope="module")
def edge() -> Iterator[Edge]:
    """Run an edge with that policy."""
    with run_edge(read_text(write_policy(RULES)), (), "") as edge:
        yield edge


@pytest.mark.parametrize("number", [1, 2, RULES - 1, RULES])
def test_every_rule_of_many_holds(edge: Edge, number: int) -> None:
    """The first rule and the last one hold, in each phase; whom none concerns gets through."""
    answer = edge.ask(f"/{number}")
    assert (answer.status, answer.body) == (410, str(number))
    assert edge.ask(headers={"Cookie": f"a=b; c={number}"}).body == str(number)
    assert edge.ask(f"/{RULES + 1}").status == 404


@pytest.mark.parametrize(("fields", "statuses"), [(50, {404}), (200, {400})])
def test_many_headers(edge: Edge, fields: int, statuses: set[int]) -> None:
    """A request with very many headers is served or refused, and the next one is served."""
    answer = edge.ask(headers={f"X-Field-{number}": "v" for number in range(fields)})
    assert answer.status in statuses
    assert edge.ask().status == 404


@pytest.mark.parametrize("path", ["/ingress", "/decoy", "/cache"])
def test_long_answers(wordy: Edge, path: str) -> None:
    """An answer as long as a policy may write arrives whole, and other rules still change its headers."""
    answer = wordy.ask(path)
    assert answer.status == 418
    assert len(answer.body) == LARGEST_ANSWER_BYTES - LARGEST_HEAD_BYTES
    expected = {**HEADERS, f"X-Spout-{MOST_HEADERS}": "marked"}
    assert {name: answer.headers.get(name.lower()) for name in expected} == expected


@pytest.mark.parametrize(("length", "statuses"), [(4_000, {404}), (65_536, {400})])
def test_long_urls(edge: Edge, length: int, statuses: set[int]) -> None:
    """A URL that is too long is refused, and the next request is served."""
    assert edge.ask("/" + "a" * length).status in statuses
    assert edge.ask().status == 404
