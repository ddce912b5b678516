"""Load that keeps its schedule, whatever becomes of the requests."""

from __future__ import annotations

import asyncio
import time
from dataclasses import replace

import pytest

from handshake.drills.load import Load
from handshake.drills.plan import Habits, LoadPlan
from handshake.drills.requests import Failure, FixedBody, RequestKind, RequestResult
from tests.live.misbehaving import (
    OK,
    Server,
    say,
    say_and_close,
    serving,
)

pytestmark = pytest.mark.live

PAGE = RequestKind(name="page")
FORM = RequestKind(name="form", method="POST", body=FixedBody(text="x" * 300_000))


async def play(plan: LoadPlan) -> list[RequestResult]:
    """Send a plan from this process, on this event loop."""
    results: list[RequestResult] = []
    await Load(plan, results.append).run(time.monotonic())
    return results


def test_stall_is_counted_for_everyone() -> None:
    """When a server stalls, requests go on being begun, and each is charged with its own share of the stall."""

    async def scenario() -> list[RequestResult]:
        is_open = asyncio.Event()

        async def stall(writer: asyncio.StreamWriter) -> None:
            await is_open.wait()
            writer.write(OK)

        async with serving(stall) as (_, target):
            asyncio.get_running_loop().call_later(0.5, is_open.set)
            plan = LoadPlan(target=target, kinds=(PAGE,), rate_per_second=100, duration_seconds=0.8)
            return await play(plan)

    results = sorted(asyncio.run(scenario()), key=lambda result: result.started_at)
    assert len(results) == 80
    assert all(result.is_good for result in results)
    first = results[0].started_at
    for number, result in enumerate(results):
        assert result.started_at - first == pytest.approx(number / 100, abs=0.02)
    # Whoever was due in the first 0.4 s of the stall waited for at least the rest of it.
    assert all(result.latency_seconds > 0.45 - number / 100 for number, result in enumerate(results[:40]))


def test_late_load_is_counted() -> None:
    """What the load's own process delays is part of the latency, and is told apart as lateness."""

    async def scenario() -> list[RequestResult]:
        async with serving(say(OK)) as (_, target):
            plan = LoadPlan(target=target, kinds=(PAGE,), rate_per_second=100, duration_seconds=0.5)
            # Blocks the loop, as a computing caller in the same process would.
            asyncio.get_running_loop().call_later(0.1, time.sleep, 0.3)
            return await play(plan)

    results = asyncio.run(scenario())
    late = max(results, key=lambda result: result.late_seconds)
    assert len(results) == 50
    assert late.late_seconds > 0.2
    assert late.latency_seconds >= late.late_seconds


def test_length_of_a_load() -> None:
    """A load lasts as long as its plan says, also when its last request is long over."""

    async def scenario() -> float:
        async with serving(say(OK)) as (_, target):
            plan = LoadPlan(target=target, kinds=(PAGE,), rate_per_second=5, duration_seconds=0.4)
            began_at = time.monotonic()
            return await Load(plan, lambda _: None).run(began_at) - began_at

    assert asyncio.run(scenario()) >= 0.4


def test_load_that_tries_again() -> None:
    """Tries of a kind that is sent again are results of their own, each on a connection of its own."""
    deaths = iter([True])

    async def die_once(writer: asyncio.StreamWriter) -> None:
        await (say_and_close(b"") if next(deaths, False) else say(OK))(writer)

    async def scenario() -> tuple[Server, list[RequestResult]]:
        async with serving(die_once) as (server, target):
            kind, habits = replace(PAGE, tries=3), Habits(keep=1, close=0, rest=0)
            plan = LoadPlan(
                target=target, kinds=(kind,), rate_per_second=10, duration_seconds=0.1, habits=habits
            )
            return server, await play(plan)

    server, (first, second) = asyncio.run(scenario())
    assert (first.failure, second.failure) == (Failure.EOF, Failure.NONE)
    assert second.started_at > first.ended_at
    assert ["connection: close" in head.lower() for head in server.heads] == [False, True]


def test_all_kinds_and_habits() -> None:
    """A mix of kinds, habits and visitors arrives as it was planned."""

    async def scenario() -> tuple[Server, list[RequestResult]]:
        async with serving(say(OK)) as (server, target):
            plan = LoadPlan(
                target=target,
                kinds=(PAGE, FORM),
                rate_per_second=200,
                duration_seconds=0.5,
                habits=Habits(keep=1, close=1, rest=1, rest_seconds=0.1),
                sources=("127.0.0.2", "127.0.0.3"),
            )
            return server, await play(plan)

    server, results = asyncio.run(scenario())
    assert [result.detail for result in results if not result.is_good] == []
    assert {result.kind for result in results} == {"page", "form"}
    assert set(server.peers) == {"127.0.0.2", "127.0.0.3"}
    assert len(server.heads) == 100
    closing = sum("connection: close" in head.lower() for head in server.heads)
    assert closing < server.connections < 100
