"""Load against servers that misbehave on purpose: each failure is counted as exactly what it is."""

from __future__ import annotations

import asyncio
import socket
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import pytest

from handshake.drills.client import Client
from handshake.drills.plan import Habit, Target
from handshake.drills.requests import Failure, FixedBody, RequestContent, RequestKind, RequestResult
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
JSON = replace(PAGE, content=RequestContent.JSON)
FORM = RequestKind(name="form", method="POST", body=FixedBody(text="x" * 300_000))
HEAD = replace(PAGE, method="HEAD")
DELETE = replace(PAGE, method="DELETE", expected=(204,))
PATIENCE_SECONDS = 30.0
TIMEOUT_SECONDS = 0.25
"""For the tests in which it is to be waited for."""
UNAVAILABLE = b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 4\r\n\r\nbusy"
HALF = b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello"


async def ask(
    client: Client, kind: RequestKind = PAGE, *, habit: Habit = Habit.KEEP, source: str = "127.0.0.1"
) -> RequestResult:
    """Send one request."""
    draft = kind.body.make(None)  # type: ignore[arg-type]  # none of these bodies leaves anything to chance
    return await client.send(kind, draft, habit=habit, source=source, due_at=time.monotonic())


def ask_once(kind: RequestKind, step: Step, timeout_seconds: float = PATIENCE_SECONDS) -> RequestResult:
    """Send one request to a server that answers with a step."""

    async def scenario() -> RequestResult:
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
