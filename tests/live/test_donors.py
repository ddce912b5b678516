"""Donors, and the reconciliation of what they were promised with a real ledger."""

from __future__ import annotations

import asyncio
import socket
from pathlib import Path

import pytest

from handshake.core.errors import UnavailableError
from handshake.drills.client import donate
from handshake.drills.load_run import load_running
from handshake.drills.plan import LoadPlan, Target
from handshake.drills.reconciliation import reconcile
from handshake.drills.requests import Failure, RequestResult, donation_kind
from handshake.drivers.redis.donations import RedisDonations
from tests.live.example_instance import run_instance, run_ledger
from tests.live.misbehaving import (
    Server,
    say,
    say_and_close,
    say_and_reset,
    serving,
)

pytestmark = pytest.mark.live

RECEIPT = b'HTTP/1.1 201 Created\r\nContent-Length: 23\r\n\r\n{"donation_id":"don_1"}'


def test_donor_tries_again() -> None:
    """A donor whose connection is reset sends the same donation under the same key until it is answered."""
    deaths = iter([True, True])

    async def die_twice(writer: asyncio.StreamWriter) -> None:
        await (say_and_reset(b"") if next(deaths, False) else say(RECEIPT))(writer)

    async def scenario() -> tuple[Server, tuple[RequestResult, ...]]:
        async with serving(die_twice) as (server, target):
            return server, await asyncio.to_thread(donate, target, "/api/hamm/donations", tries=5)

    server, tries = asyncio.run(scenario())
    assert [result.failure for result in tries] == [Failure.RESET, Failure.RESET, Failure.NONE]
    assert len({result.key for result in tries}) == 1
    assert all(f"idempotency-key: {tries[0].key}" in head.lower() for head in server.heads)


def test_donor_gives_up() -> None:
    """A donor who is never answered has tried as often as was asked for."""

    async def scenario() -> tuple[RequestResult, ...]:
        async with serving(say_and_close(b"")) as (_, target):
            return await asyncio.to_thread(donate, target, "/api/hamm/donations", tries=3)

    assert [result.failure for result in asyncio.run(scenario())] == [Failure.EOF] * 3


def test_donor_stops_at_the_receipt() -> None:
    """A donor who has a receipt does not donate again."""

    async def scenario() -> tuple[RequestResult, ...]:
        async with serving(say(RECEIPT)) as (_, target):
            return await asyncio.to_thread(donate, target, "/api/hamm/donations", tries=5)

    (only,) = asyncio.run(scenario())
    assert (only.is_good, only.donation_id) == (True, "don_1")


def test_donations_agree_with_the_ledger(tmp_path: Path) -> None:
    """Donations made of a real service are in its real ledger, each once; one whose instance died is named."""
    secrets, trigger = tmp_path / "secrets", tmp_path / "die"
    secrets.mkdir()
    with run_ledger(tmp_path / "ledger") as ledger:
        (secrets / "ledger").write_text(ledger.url, encoding="utf-8")
        environment = {"HANDSHAKE_SECRETS": str(secrets), "HAMM_FAULT_KILL_AFTER_WRITE": str(trigger)}
        with run_instance("hamm", tmp_path / "hamm", environment) as hamm:
            target = Target(host="127.0.0.1", port=hamm.pool.port or 0)
            plan = LoadPlan(
                target=target,
                kinds=(donation_kind("/api/hamm/donations"),),
                rate_per_second=100,
                duration_seconds=1,
            )
            with load_running(plan) as run:
                run.wait()
            trigger.touch()
            lost = donate(target, "/api/hamm/donations", tries=1)
        stored = RedisDonations(ledger.url).read_donations()
    results = run.result().record.results
    found = reconcile([*results, *lost], stored)
    assert (found.sent, found.confirmed, len(stored)) == (101, 100, 101)
    assert found.is_exact
    assert [entry.key for entry in found.unanswered] == [lost[0].key]
    assert all(100 <= entry.amount_cents <= 330_000 for entry in stored)


def test_ledger_that_does_not_answer() -> None:
    """A ledger that is not there is an error, never an empty ledger."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        donations = RedisDonations(f"redis://127.0.0.1:{unused.getsockname()[1]}/0")
        with pytest.raises(UnavailableError, match="the ledger does not answer"):
            donations.read_donations()
