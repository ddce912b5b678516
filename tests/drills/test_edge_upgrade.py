"""Drill 18: the edge upgrades itself under a load of POSTs. Reloads lose nothing; a cache that restarts is away meanwhile."""

from __future__ import annotations

import http.client
import threading
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest

from handshake.config.reader import parse_settings
from handshake.edge.policy.policy import build_policy
from handshake.edge.policy.settings import EdgeSettings
from tests.live.edges import Edge, run_edge, run_varnish
from tests.live.haproxies import wait_until
from tests.system.processes import processes_of

pytestmark = pytest.mark.live

DONORS = 4


@pytest.fixture
def edge() -> Iterator[Edge]:
    """Run an edge whose gateway takes donations."""
    policy = build_policy(parse_settings(EdgeSettings, "", shown_as="edge.toml"))
    with run_edge(policy, (), "") as edge:
        edge.gateway.files["/api/hamm/donations"] = (201, {"Content-Type": "application/json"}, "{}")
        yield edge


@dataclass
class Donations:
    """What became of every POST, by its idempotency key. None is sent twice."""

    answers: dict[str, int] = field(default_factory=dict)
    """Status; 0 where no answer came."""

    @property
    def failed(self) -> list[str]:
        """The donations that were not accepted."""
        return [key for key, status in self.answers.items() if status != 201]


@contextmanager
def donating(edge: Edge) -> Iterator[Donations]:
    """Let donors give all the time while the block runs."""
    donations, is_over = Donations(), threading.Event()

    def give() -> None:
        while not is_over.is_set():
            key = uuid.uuid4().hex
            try:
                answer = edge.ask(
                    "/api/hamm/donations", method="POST", headers={"Idempotency-Key": key}, body="{}"
                )
                donations.answers[key] = answer.status
            except (OSError, http.client.HTTPException):
                donations.answers[key] = 0

    donors = [threading.Thread(target=give) for _ in range(DONORS)]
    for donor in donors:
        donor.start()
    try:
        yield donations
    finally:
        is_over.set()
        for donor in donors:
            donor.join()


def taken(edge: Edge) -> list[str]:
    """Return the key of every donor's gift that the gateway saw, as often as it saw it."""
    return [key for seen in edge.gateway.seen if (key := seen.headers.get("idempotency-key"))]


def go_on(donations: Donations, count: int = 40) -> None:
    """Wait until so many more donations were answered."""
    goal = len(donations.answers) + count
    wait_until(lambda: len(donations.answers) >= goal)


def test_reloads_of_the_ingress_lose_no_post(edge: Edge) -> None:
    """Drill 18: an ingress that reloads again and again under POSTs answers each one, and passes each on once."""
    text = edge.ingress.program.configuration.read_text()
    first = edge.ingress.runtime.info()
    with donating(edge) as donations:
        for _ in range(4):
            go_on(donations)
            edge.ingress.reload.serve(text, first.description)
        go_on(donations)

    assert edge.ingress.runtime.info().process != first.process
    assert donations.failed == []
    assert sorted(taken(edge)) == sorted(donations.answers)


def test_new_programs_of_the_cache_lose_no_post(edge: Edge) -> None:
    """Drill 18: a cache that takes up another program under POSTs answers each one, and passes each on once."""
    with donating(edge) as donations:
        for name in ("second", "third", "fourth"):
            go_on(donations)
            edge.cache.prepare(name, edge.print_cache() + f"# {name}\n")
            edge.cache.flip(name)
        go_on(donations)

    assert edge.cache.active() == "fourth"
    assert donations.failed == []
    assert sorted(taken(edge)) == sorted(donations.answers)


def test_a_restart_of_the_cache_carries_out_no_post_twice(edge: Edge) -> None:
    """Drill 18: while varnishd restarts, the ingress refuses POSTs; what was accepted is there, and nothing is there twice."""
    with donating(edge) as donations:
        go_on(donations)
        for process in processes_of(edge.folder / "cache"):
            process.kill()
        wait_until(lambda: bool(donations.failed))
        with run_varnish(edge.folder):
            wait_until(lambda: edge.ask("/api/hamm/donations", method="POST", body="{}").status == 201)
            refused = len(donations.failed)
            go_on(donations)
            assert len(donations.failed) == refused, "once the cache is back, every donation is accepted"

    assert {donations.answers[key] for key in donations.failed} <= {0, 502, 503}
    seen = taken(edge)
    assert len(seen) == len(set(seen))
    accepted = donations.answers.keys() - set(donations.failed)
    assert accepted <= set(seen)
    in_flight = set(seen) - accepted
    assert len(in_flight) <= DONORS, "only what was in flight may have been carried out without an answer"
