"""Load against servers that misbehave on purpose: each failure is counted as exactly what it is."""

from __future__ import annotations

import asyncio
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace
from pathlib import Path

import pytest

from handshake.catalog.codec import encode
from handshake.core.clock import SystemClock
from handshake.core.errors import UnavailableError
from handshake.drills.body import FixedBody
from handshake.drills.client import Client
from handshake.drills.ledger import reconcile
from handshake.drills.load import Load
from handshake.drills.load_record import parse_record
from handshake.drills.load_run import LoadRun, load_running
from handshake.drills.plan import Habit, Habits, LoadPlan
from handshake.drills.request_kind import Content, RequestKind, donation_kind
from handshake.drills.result import Failure, Result
from handshake.drills.retrying_donor import donate
from handshake.drills.summary import summarise_load
from handshake.drills.target import Target
from handshake.drills.timeline import phases
from handshake.drivers.redis.donations import RedisDonations
from tests.live.backends import Backend, Loop
from tests.live.example_instance import run_instance, run_ledger
from tests.live.misbehaving import (
    OK,
    Server,
    Step,
    reset,
    say,
    say_and_close,
    say_and_hang,
    say_and_reset,
    serving,
)

pytestmark = pytest.mark.live

PAGE = RequestKind(name="page")
JSON = replace(PAGE, content=Content.JSON)
FORM = RequestKind(name="form", method="POST", body=FixedBody(text="x" * 300_000))
HEAD = replace(PAGE, method="HEAD")
DELETE = replace(PAGE, method="DELETE", expected=(204,))
PATIENCE_SECONDS = 30.0
TIMEOUT_SECONDS = 0.25
"""For the tests in which it is to be waited for."""
RECEIPT = b'HTTP/1.1 201 Created\r\nContent-Length: 23\r\n\r\n{"donation_id":"don_1"}'
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"


async def ask(
    client: Client, kind: RequestKind = PAGE, *, habit: Habit = Habit.KEEP, source: str = "127.0.0.1"
) -> Result:
    """Send one request."""
    draft = kind.body.make(None)  # type: ignore[arg-type]  # none of these bodies leaves anything to chance
    return await client.send(kind, draft, habit=habit, source=source, due_at=time.monotonic())


def ask_once(kind: RequestKind, step: Step, timeout_seconds: float = PATIENCE_SECONDS) -> Result:
    """Send one request to a server that answers with a step."""

    async def scenario() -> Result:
        async with serving(step) as (server, target):
            client = Client(target, timeout_seconds=timeout_seconds)
            result = await ask(client, kind)
            client.close()
            assert len(server.heads) == 1
            return result

    return asyncio.run(scenario())


def converse(*steps: Step, rest_seconds: float = 2.0) -> Callable[..., None]:
    """Return what runs a scenario with a client and a server that answers with steps."""

    def run(scenario: Callable[[Client, Server], Awaitable[None]]) -> None:
        async def play() -> None:
            async with serving(*steps) as (server, target):
                client = Client(target, timeout_seconds=PATIENCE_SECONDS, rest_seconds=rest_seconds)
                await scenario(client, server)
                client.close()

        asyncio.run(play())

    return run


@pytest.mark.parametrize(
    ("kind", "step", "size"),
    [
        (PAGE, say(OK), 5),
        (PAGE, say_and_close(OK), 5),
        (FORM, say(OK), 5),
        (PAGE, say_and_close(b"HTTP/1.1 200 OK\r\n\r\nuntil the end"), 13),
        (
            PAGE,
            say(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n3\r\n...\r\n0\r\n\r\n"),
            8,
        ),
        (PAGE, say(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" + OK), 5),
        (DELETE, say(b"HTTP/1.1 204 No Content\r\n\r\n"), 0),
        (HEAD, say(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"), 0),
        (JSON, say(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}"), 2),
    ],
    ids=["length", "closing", "large-post", "until-eof", "chunked", "early-hints", "204", "head", "json"],
)
def test_good_answer(kind: RequestKind, step: Step, size: int) -> None:
    """A complete answer with an expected status is no failure, in whatever form HTTP lets it come."""
    result = ask_once(kind, step)
    assert (result.failure, result.detail) == (Failure.NONE, "")
    assert result.size_bytes == size


@pytest.mark.parametrize(
    ("kind", "step", "failure"),
    [
        (PAGE, say_and_reset(b""), Failure.RESET),
        (PAGE, say_and_reset(HALF), Failure.RESET),
        (FORM, say_and_reset(b""), Failure.RESET),
        (PAGE, say_and_close(b""), Failure.EOF),
        (PAGE, say_and_close(b"HTTP/1.1 200 OK\r\nConte"), Failure.EOF),
        (PAGE, say_and_close(HALF), Failure.EOF),
        (
            PAGE,
            say_and_close(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n"),
            Failure.EOF,
        ),
        (PAGE, say_and_hang(b""), Failure.TIMEOUT),
        (PAGE, say_and_hang(HALF), Failure.TIMEOUT),
        (PAGE, say(UNAVAILABLE), Failure.STATUS),
        (DELETE, say(OK), Failure.STATUS),
        (PAGE, say(b"HTTP/1.1 204 No Content\r\n\r\n"), Failure.STATUS),
        (JSON, say(OK), Failure.BODY),
        (PAGE, say(b"220 mail.example.org ESMTP\r\n\r\n"), Failure.BODY),
        (PAGE, say_and_close(b"220 mail.example.org ESMTP\r\n\r\n"), Failure.BODY),
    ],
    ids=[
        "reset-before-the-answer",
        "reset-in-the-body",
        "reset-after-a-large-post",
        "eof-before-the-answer",
        "eof-in-the-head",
        "eof-in-the-body",
        "eof-between-chunks",
        "hang-before-the-answer",
        "hang-in-the-body",
        "503",
        "200-for-204",
        "204-for-200",
        "no-json",
        "no-http",
        "no-http-and-eof",
    ],
)
def test_failure(kind: RequestKind, step: Step, failure: Failure) -> None:
    """What goes wrong with a request is counted as exactly that."""
    patience = TIMEOUT_SECONDS if failure is Failure.TIMEOUT else PATIENCE_SECONDS
    result = ask_once(kind, step, patience)
    assert result.failure is failure
    assert result.detail


def test_nobody_listens() -> None:
    """A refused connection is a failure to connect."""
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        client = Client(Target(host="127.0.0.1", port=unused.getsockname()[1]))
        assert asyncio.run(ask(client)).failure is Failure.CONNECT


def test_timeout_is_waited_for() -> None:
    """A server that hangs costs its visitor the whole timeout, and not more."""
    result = ask_once(PAGE, say_and_hang(b""), TIMEOUT_SECONDS)
    assert TIMEOUT_SECONDS <= result.latency_seconds < PATIENCE_SECONDS / 2


def test_wrong_status_keeps_its_number() -> None:
    """A failure's status and body can be read in the result."""
    result = ask_once(PAGE, say(UNAVAILABLE))
    assert (result.status, result.detail) == (503, "503: busy")


def test_kept_connection() -> None:
    """Visitors who keep connections use one again and again."""

    async def scenario(client: Client, server: Server) -> None:
        assert all([(await ask(client)).is_good for _ in range(5)])
        assert (server.connections, len(server.heads)) == (1, 5)

    converse(say(OK))(scenario)


def test_closed_connections() -> None:
    """Visitors who close connections say so, and open one for each request."""

    async def scenario(client: Client, server: Server) -> None:
        assert all([(await ask(client, habit=Habit.CLOSE)).is_good for _ in range(3)])
        assert server.connections == 3
        assert all("connection: close" in head.lower() for head in server.heads)

    converse(say_and_close(OK))(scenario)


@pytest.mark.parametrize(("rest_seconds", "connections"), [(0.0, 1), (3600.0, 3)])
def test_resting_connection(rest_seconds: float, connections: int) -> None:
    """A resting connection is used again only when it has been idle for its time."""

    async def scenario(client: Client, server: Server) -> None:
        for _ in range(3):
            await ask(client, habit=Habit.REST)
        assert server.connections == connections

    converse(say(OK), rest_seconds=rest_seconds)(scenario)


def test_server_asks_to_close() -> None:
    """A connection that the server wants to close is not used again."""
    answer = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nhello"

    async def scenario(client: Client, server: Server) -> None:
        assert all([(await ask(client)).is_good for _ in range(2)])
        assert server.connections == 2

    converse(say(answer))(scenario)


def test_bytes_after_the_answer() -> None:
    """A connection on which more came than was asked for is not used again."""

    async def scenario(client: Client, server: Server) -> None:
        assert all([(await ask(client)).is_good for _ in range(2)])
        assert server.connections == 2

    converse(say(OK + b"surplus"))(scenario)


@pytest.mark.parametrize("is_reset", [False, True], ids=["closed", "reset"])
def test_idle_connection_ended_before_use(is_reset: bool) -> None:  # noqa: FBT001 -- pytest hands it over by name
    """An idle connection that the server ended before it is used is replaced, and nothing failed."""

    async def scenario(client: Client, server: Server) -> None:
        await ask(client)
        for writer in server.writers:
            reset(writer) if is_reset else writer.close()
        await asyncio.sleep(0)
        result = await ask(client)
        assert result.is_good
        assert (server.connections, len(server.heads)) == (2, 2)

    converse(say(OK))(scenario)


def test_connection_closed_on_arrival_of_a_request() -> None:
    """A kept connection that ends after the request was sent is a failure, and nothing is sent twice."""

    async def scenario(client: Client, server: Server) -> None:
        await ask(client)
        assert (await ask(client)).failure is Failure.EOF
        assert (server.connections, len(server.heads)) == (1, 2)
        assert (await ask(client)).is_good
        assert (server.connections, len(server.heads)) == (2, 3)

    converse(say(OK), say_and_close(b""))(scenario)


def test_visitors_do_not_share_connections() -> None:
    """Each source address is a visitor of its own, with its own connections."""

    async def scenario(client: Client, server: Server) -> None:
        for source in ("127.0.0.7", "127.1.2.3", "127.0.0.7"):
            assert (await ask(client, source=source)).is_good
        assert server.peers == ["127.0.0.7", "127.1.2.3"]

    converse(say(OK))(scenario)


async def play(plan: LoadPlan) -> list[Result]:
    """Send a plan from this process, on this event loop."""
    results: list[Result] = []
    await Load(plan, results.append).run(time.monotonic())
    return results


def test_stall_is_counted_for_everyone() -> None:
    """When a server stalls, requests go on being begun, and each is charged with its own share of the stall."""

    async def scenario() -> list[Result]:
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

    async def scenario() -> list[Result]:
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

    async def scenario() -> tuple[Server, list[Result]]:
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

    async def scenario() -> tuple[Server, list[Result]]:
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


@pytest.fixture
def plan() -> LoadPlan:
    """A plan for the backend of a test, which the test fills in; long, so that it has to be stopped."""
    return LoadPlan(
        target=Target(host="127.0.0.1", port=1),
        kinds=(PAGE,),
        rate_per_second=100,
        duration_seconds=60,
        # The backend closes each connection without announcing it: to keep one would be a race.
        habits=Habits(keep=0, close=1, rest=0),
    )


def aim(plan: LoadPlan, loop: Loop) -> LoadPlan:
    """Start a backend and send the plan there."""
    return replace(plan, target=Target(host="127.0.0.1", port=Backend(loop, "one").port))


def test_load_beside_the_caller(plan: LoadPlan) -> None:
    """While a load runs in its own process the caller can compute, and mark what it does."""
    with Loop() as loop, load_running(aim(plan, loop)) as run:
        compute_until(time.monotonic() + 0.4)
        run.mark("release")
        compute_until(time.monotonic() + 0.4)
    report = run.result()
    summary, (before, after) = summarise_load(report), phases(report)
    assert (summary.failed, before.name, after.name) == (0, "start", "release")
    assert min(before.summary.requests, after.summary.requests) > 0
    assert summary.requests >= 20
    assert before.summary.requests + after.summary.requests == summary.requests


def compute_until(moment: float) -> None:
    """Hold the interpreter's lock for most of the time."""
    while time.monotonic() < moment:
        sum(range(1000))


def test_failures_around_a_mark(plan: LoadPlan) -> None:
    """What begins to fail when something is done is seen in the phase of that mark."""
    with Loop() as loop:
        backend = Backend(loop, "one")
        target = Target(host="127.0.0.1", port=backend.port)
        with load_running(replace(plan, target=target)) as run:
            time.sleep(0.3)
            run.mark("stop")
            backend.stop()
            time.sleep(0.3)
    before, after = phases(run.result())
    assert before.summary.failed == 0
    assert after.summary.failures[Failure.CONNECT] > 0


def test_plan_to_its_end(plan: LoadPlan) -> None:
    """A caller that waits gets the whole plan."""
    with Loop() as loop, load_running(replace(aim(plan, loop), duration_seconds=0.5)) as run:
        run.wait()
    assert summarise_load(run.result()).requests == 50


def test_requests_under_way_are_finished(plan: LoadPlan) -> None:
    """Stopping a load begins no more requests and loses none that is under way."""
    with Loop() as loop:
        backend = Backend(loop, "slow", delay_seconds=0.5)
        target = Target(host="127.0.0.1", port=backend.port)
        with load_running(replace(plan, target=target)) as run:
            time.sleep(0.5)
        results = run.result().record.results
    assert results
    assert all(result.is_good for result in results)
    assert len(results) == backend.requests


def test_load_that_breaks(plan: LoadPlan) -> None:
    """A load whose process dies has no result that could be mistaken for a good one."""
    with Loop() as loop:
        run = LoadRun.start(aim(plan, loop), SystemClock())
        os.kill(run.pid, signal.SIGKILL)
        with pytest.raises(UnavailableError, match="the load broke"):
            run.result()
        run.kill()


def test_caller_that_fails(plan: LoadPlan) -> None:
    """When the block fails, its error is what is seen, and no process is left behind."""
    with Loop() as loop, pytest.raises(ZeroDivisionError), load_running(aim(plan, loop)) as run:
        raise ZeroDivisionError
    assert not Path(f"/proc/{run.pid}").exists()


def test_lifeline(plan: LoadPlan) -> None:
    """A load whose starter is gone stops by itself, with a complete record."""
    with Loop() as loop:
        process = subprocess.Popen(
            [sys.executable, "-m", "handshake.drills.load"], stdin=subprocess.PIPE, stdout=subprocess.PIPE
        )
        output, _ = process.communicate(encode(aim(plan, loop)) + b"\n", timeout=15)
    assert process.returncode == 0
    assert parse_record(output.splitlines()).ending.ended_at > 0


def test_donor_tries_again() -> None:
    """A donor whose connection is reset sends the same donation under the same key until it is answered."""
    deaths = iter([True, True])

    async def die_twice(writer: asyncio.StreamWriter) -> None:
        await (say_and_reset(b"") if next(deaths, False) else say(RECEIPT))(writer)

    async def scenario() -> tuple[Server, tuple[Result, ...]]:
        async with serving(die_twice) as (server, target):
            return server, await asyncio.to_thread(donate, target, tries=5)

    server, tries = asyncio.run(scenario())
    assert [result.failure for result in tries] == [Failure.RESET, Failure.RESET, Failure.NONE]
    assert len({result.key for result in tries}) == 1
    assert all(f"idempotency-key: {tries[0].key}" in head.lower() for head in server.heads)


def test_donor_gives_up() -> None:
    """A donor who is never answered has tried as often as was asked for."""

    async def scenario() -> tuple[Result, ...]:
        async with serving(say_and_close(b"")) as (_, target):
            return await asyncio.to_thread(donate, target, tries=3)

    assert [result.failure for result in asyncio.run(scenario())] == [Failure.EOF] * 3


def test_donor_stops_at_the_receipt() -> None:
    """A donor who has a receipt does not donate again."""

    async def scenario() -> tuple[Result, ...]:
        async with serving(say(RECEIPT)) as (_, target):
            return await asyncio.to_thread(donate, target, tries=5)

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
            plan = LoadPlan(target=target, kinds=(donation_kind(),), rate_per_second=100, duration_seconds=1)
            with load_running(plan) as run:
                run.wait()
            trigger.touch()
            lost = donate(target, tries=1)
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
