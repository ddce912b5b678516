"""A visitor: connections, requests sent once, and donations retried with the same key."""

from __future__ import annotations

import asyncio
import socket
from collections import defaultdict, deque
from collections.abc import Callable
from random import Random

import h11

from handshake.core.clock import Clock, SystemClock
from handshake.drills.plan import Habit, Target
from handshake.drills.requests import (
    DonationDraft,
    FailedError,
    Failure,
    LoadResponse,
    RequestKind,
    RequestResult,
    ResponseJudgement,
    donation_kind,
    judge,
)

# One TCP connection of a visitor. It sends a request once; whatever happens then is what happened.

READ_BYTES = 65536
IP_BIND_ADDRESS_NO_PORT = 24
"""Linux: choose the port when connecting, so that ports of closed connections need not wait a minute."""


async def connect(target: Target, source: str) -> Connection:
    """Open a connection to the target from a source address; FailedError where none comes about."""
    plug = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
    try:
        plug.setblocking(False)  # noqa: FBT003 -- the standard library's own signature
        plug.setsockopt(socket.IPPROTO_IP, IP_BIND_ADDRESS_NO_PORT, 1)
        plug.bind((source, 0))
        await asyncio.get_running_loop().sock_connect(plug, (target.host, target.port))
        reader, writer = await asyncio.open_connection(sock=plug)
    except OSError as error:
        plug.close()
        raise FailedError(Failure.CONNECT, str(error)) from error
    except BaseException:
        plug.close()
        raise
    return Connection(plug, reader, writer)


class Connection:
    """An open connection, for one request at a time."""

    def __init__(
        self, plug: socket.socket, reader: asyncio.StreamReader, writer: asyncio.StreamWriter
    ) -> None:
        self._plug = plug
        self._reader = reader
        self._writer = writer
        self._http = h11.Connection(h11.CLIENT)
        self._has_ended = False

    @property
    def is_spent(self) -> bool:
        """Whether the idle connection was closed by the server, or holds bytes that nobody asked for.

        This asks the kernel: the event loop may not have come around to reading the end of file.
        """
        try:
            self._plug.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return self._reader.at_eof()
        except OSError:
            return True
        return True

    async def exchange(self, request: h11.Request, body: bytes) -> LoadResponse:
        """Send a request and return its complete answer; FailedError where none comes."""
        try:
            self._writer.write(self._print(request, body))
            return await self._receive()
        except OSError as error:
            raise FailedError(Failure.RESET, str(error) or type(error).__name__) from error

    def renew(self) -> bool:
        """Make the connection ready for another request; False if it has to be closed."""
        is_whole = self._http.our_state is h11.DONE and self._http.their_state is h11.DONE
        if not is_whole or self._http.trailing_data[0]:
            return False
        self._http.start_next_cycle()
        return True

    def close(self) -> None:
        """Close the connection; idempotent."""
        self._writer.close()

    def _print(self, request: h11.Request, body: bytes) -> bytes:
        head = self._http.send(request) or b""
        content = self._http.send(h11.Data(data=body)) or b"" if body else b""
        return head + content + (self._http.send(h11.EndOfMessage()) or b"")

    async def _receive(self) -> LoadResponse:
        status, body = 0, bytearray()
        while True:
            match await self._next_event():
                case h11.Response(status_code=status):
                    pass
                case h11.Data(data=data):
                    body += data
                case h11.EndOfMessage():
                    return LoadResponse(status=status, body=bytes(body))

    async def _next_event(self) -> h11.Event:
        while not isinstance(event := self._parse(), h11.Event):
            data = await self._reader.read(READ_BYTES)
            self._has_ended = not data
            self._http.receive_data(data)
        return event

    def _parse(self) -> h11.Event | type[h11.NEED_DATA | h11.PAUSED]:
        try:
            return self._http.next_event()
        except h11.RemoteProtocolError as error:
            failure = Failure.EOF if self._has_ended else Failure.BODY
            raise FailedError(failure, str(error)) from error


USER_AGENT = "handshake-drill/1"
_NO_ANSWER = LoadResponse(status=0, body=b"")
_SYSTEM = SystemClock()


class Client:
    """All visitors of one load. Never sends anything twice."""

    def __init__(
        self,
        target: Target,
        *,
        timeout_seconds: float = 10.0,
        rest_seconds: float = 2.0,
        clock: Clock = _SYSTEM,
    ) -> None:
        self._target = target
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._idle = IdleConnections(rest_seconds=rest_seconds, monotonic=clock.monotonic)

    async def send(
        self, kind: RequestKind, draft: DonationDraft, *, habit: Habit, source: str, due_at: float
    ) -> RequestResult:
        """Send a request now that was due at a moment of the monotonic clock; never raises for a failure."""
        begun_at = self._clock.monotonic()
        # A timer may go off up to a millisecond early; nobody waits before asking.
        started_at = min(due_at, begun_at)
        answer, judgement = await self._ask(kind, draft, habit, source)
        return RequestResult(
            kind=kind.name,
            started_at=started_at,
            late_seconds=begun_at - started_at,
            latency_seconds=self._clock.monotonic() - started_at,
            status=answer.status,
            size_bytes=len(answer.body),
            failure=judgement.failure,
            detail=judgement.detail,
            key=draft.key,
            donation_id=judgement.donation_id,
        )

    def close(self) -> None:
        """Close every connection that is still open."""
        self._idle.close()

    async def _ask(
        self, kind: RequestKind, draft: DonationDraft, habit: Habit, source: str
    ) -> tuple[LoadResponse, ResponseJudgement]:
        request = self._address(kind, draft, habit)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                connection = self._idle.take(source, habit) or await connect(self._target, source)
                answer = await self._exchange(connection, request, draft, source, habit)
        except TimeoutError:
            detail = f"no complete answer within {self._timeout_seconds:g} s"
            return _NO_ANSWER, ResponseJudgement(failure=Failure.TIMEOUT, detail=detail)
        except FailedError as error:
            return _NO_ANSWER, ResponseJudgement(failure=error.failure, detail=error.detail)
        return answer, judge(kind, answer)

    async def _exchange(
        self, connection: Connection, request: h11.Request, draft: DonationDraft, source: str, habit: Habit
    ) -> LoadResponse:
        try:
            answer = await connection.exchange(request, draft.body)
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection, source, habit)
        return answer

    def _address(self, kind: RequestKind, draft: DonationDraft, habit: Habit) -> h11.Request:
        headers = [*kind.headers, *draft.headers]
        names = {name.lower() for name, _ in headers}
        if "host" not in names:
            headers.append(("Host", str(self._target)))
        if "user-agent" not in names:
            headers.append(("User-Agent", USER_AGENT))
        if draft.body or kind.method == "POST":
            headers.append(("Content-Length", str(len(draft.body))))
        if habit is Habit.CLOSE:
            headers.append(("Connection", "close"))
        return h11.Request(method=kind.method, target=kind.path, headers=headers)


# A visitor who tries again: the same donation under the same key, until it is answered.

PAUSE_SECONDS = 0.1
"""How long a visitor waits before trying again."""


class RetryingDonor:
    """Retries a request after a failure, as often as its kind allows. Every try is recorded."""

    def __init__(
        self, client: Client, record: Callable[[RequestResult], None], *, clock: Clock = _SYSTEM
    ) -> None:
        self._client = client
        self._clock = clock
        self._record = record

    async def give(
        self, kind: RequestKind, draft: DonationDraft, *, habit: Habit, source: str, due_at: float
    ) -> bool:
        """Send until the answer is a good one; False if no try brought one."""
        for _ in range(kind.tries - 1):
            if await self._try_once(kind, draft, habit, source, due_at):
                return True
            await asyncio.sleep(PAUSE_SECONDS)
            # Whoever tries again opens a new connection, and waits from now on.
            habit, due_at = Habit.CLOSE, self._clock.monotonic()
        return await self._try_once(kind, draft, habit, source, due_at)

    async def _try_once(
        self, kind: RequestKind, draft: DonationDraft, habit: Habit, source: str, due_at: float
    ) -> bool:
        result = await self._client.send(kind, draft, habit=habit, source=source, due_at=due_at)
        self._record(result)
        return result.is_good


def donate(target: Target, path: str, *, tries: int, source: str = "127.0.0.1") -> tuple[RequestResult, ...]:
    """Make one donation at a path, under one key, and return every try; the last one tells how it ended."""
    results: list[RequestResult] = []
    asyncio.run(_donate(target, donation_kind(path, tries=tries), source, results.append))
    return tuple(results)


async def _donate(
    target: Target, kind: RequestKind, source: str, record: Callable[[RequestResult], None]
) -> None:
    client = Client(target)
    draft = kind.body.make(Random())  # noqa: S311 -- an amount to give, no secret
    donor = RetryingDonor(client, record)
    await donor.give(kind, draft, habit=Habit.CLOSE, source=source, due_at=_SYSTEM.monotonic())
    client.close()


# The connections that visitors hold open between requests.


class IdleConnections:
    """Open connections without a request, by the visitor's address and habit."""

    def __init__(self, *, rest_seconds: float, monotonic: Callable[[], float]) -> None:
        self._rest_seconds = rest_seconds
        self._monotonic = monotonic
        self._kept: defaultdict[str, deque[Connection]] = defaultdict(deque)
        self._resting: defaultdict[str, deque[tuple[float, Connection]]] = defaultdict(deque)

    def take(self, source: str, habit: Habit) -> Connection | None:
        """Return a connection to use again, None if a new one is needed.

        One that the server has closed meanwhile is dropped here, before anything is sent, as a browser does.
        """
        while connection := self._next(source, habit):
            if not connection.is_spent:
                return connection
            connection.close()
        return None

    def put(self, connection: Connection, source: str, habit: Habit) -> None:
        """Keep a connection after its request if both sides want to use it again; close it otherwise."""
        if not connection.renew():
            connection.close()
        elif habit is Habit.KEEP:
            self._kept[source].append(connection)
        else:
            self._resting[source].append((self._monotonic(), connection))

    def close(self) -> None:
        """Close them all."""
        for kept in self._kept.values():
            while kept:
                kept.pop().close()
        for resting in self._resting.values():
            while resting:
                resting.pop()[1].close()

    def _next(self, source: str, habit: Habit) -> Connection | None:
        match habit:
            case Habit.KEEP:
                kept = self._kept[source]
                # The one used last, so that as few as possible stay busy, as clients do.
                return kept.pop() if kept else None
            case Habit.REST:
                return self._rested(self._resting[source])
            case Habit.CLOSE:
                return None

    def _rested(self, resting: deque[tuple[float, Connection]]) -> Connection | None:
        if resting and self._monotonic() - resting[0][0] >= self._rest_seconds:
            return resting.popleft()[1]
        return None
