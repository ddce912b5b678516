"""The client: sends one request as one visitor and says what became of it."""

from __future__ import annotations

import asyncio
import time

import h11

from handshake.drills.answer import Answer, Judgement, judge
from handshake.drills.body import Draft
from handshake.drills.connection import Connection, connect
from handshake.drills.idle_connections import IdleConnections
from handshake.drills.plan import Habit
from handshake.drills.request_kind import RequestKind
from handshake.drills.result import FailedError, Failure, Result
from handshake.drills.target import Target

USER_AGENT = "handshake-drill/1"
_NO_ANSWER = Answer(status=0, body=b"")


class Client:
    """All visitors of one load. Nothing is ever sent twice by it."""

    def __init__(self, target: Target, *, timeout_seconds: float = 10.0, rest_seconds: float = 2.0) -> None:
        self._target = target
        self._timeout_seconds = timeout_seconds
        self._idle = IdleConnections(rest_seconds=rest_seconds, monotonic=time.monotonic)

    async def send(
        self, kind: RequestKind, draft: Draft, *, habit: Habit, source: str, due_at: float
    ) -> Result:
        """Send a request now that was due at a moment of the monotonic clock; never raises for a failure."""
        begun_at = time.monotonic()
        # A timer may go off up to a millisecond early; nobody waits before asking.
        started_at = min(due_at, begun_at)
        answer, judgement = await self._ask(kind, draft, habit, source)
        return Result(
            kind=kind.name,
            started_at=started_at,
            late_seconds=begun_at - started_at,
            latency_seconds=time.monotonic() - started_at,
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
        self, kind: RequestKind, draft: Draft, habit: Habit, source: str
    ) -> tuple[Answer, Judgement]:
        request = self._address(kind, draft, habit)
        try:
            async with asyncio.timeout(self._timeout_seconds):
                connection = self._idle.take(source, habit) or await connect(self._target, source)
                answer = await self._exchange(connection, request, draft, source, habit)
        except TimeoutError:
            detail = f"no complete answer within {self._timeout_seconds:g} s"
            return _NO_ANSWER, Judgement(failure=Failure.TIMEOUT, detail=detail)
        except FailedError as error:
            return _NO_ANSWER, Judgement(failure=error.failure, detail=error.detail)
        return answer, judge(kind, answer)

    async def _exchange(
        self, connection: Connection, request: h11.Request, draft: Draft, source: str, habit: Habit
    ) -> Answer:
        try:
            answer = await connection.exchange(request, draft.body)
        except BaseException:
            connection.close()
            raise
        self._idle.put(connection, source, habit)
        return answer

    def _address(self, kind: RequestKind, draft: Draft, habit: Habit) -> h11.Request:
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
