"""A policy of 500 rules, requests with 200 headers, a URL of 64 kB: served, or refused clearly."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.live.edges import Edge, run_edge
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

RULES = 500


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


@pytest.mark.parametrize(("length", "statuses"), [(4_000, {404}), (65_536, {400})])
def test_long_urls(edge: Edge, length: int, statuses: set[int]) -> None:
    """A URL that is too long is refused, and the next request is served."""
    assert edge.ask("/" + "a" * length).status in statuses
    assert edge.ask().status == 404
