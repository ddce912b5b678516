"""A visitor who tries again: the same donation under the same key, until it is answered."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from random import Random

from handshake.drills.body import Draft
from handshake.drills.client import Client
from handshake.drills.plan import Habit
from handshake.drills.request_kind import RequestKind, donation_kind
from handshake.drills.result import Result
from handshake.drills.target import Target

PAUSE_SECONDS = 0.1
"""How long a visitor waits before trying again."""


class RetryingDonor:
    """Sends a request again after a failure, up to as many tries as its kind says. Every try is recorded."""

    def __init__(self, client: Client, record: Callable[[Result], None]) -> None:
        self._client = client
        self._record = record

    async def give(
        self, kind: RequestKind, draft: Draft, *, habit: Habit, source: str, due_at: float
    ) -> bool:
        """Send until the answer is a good one; False where no try brought one."""
        for _ in range(kind.tries - 1):
            if await self._try_once(kind, draft, habit, source, due_at):
                return True
            await asyncio.sleep(PAUSE_SECONDS)
            # Whoever tries again opens a new connection, and waits from now on.
            habit, due_at = Habit.CLOSE, time.monotonic()
        return await self._try_once(kind, draft, habit, source, due_at)

    async def _try_once(
        self, kind: RequestKind, draft: Draft, habit: Habit, source: str, due_at: float
    ) -> bool:
        result = await self._client.send(kind, draft, habit=habit, source=source, due_at=due_at)
        self._record(result)
        return result.is_good


def donate(target: Target, path: str, *, tries: int, source: str = "127.0.0.1") -> tuple[Result, ...]:
    """Make one donation at a path, under one key, and return every try; the last one tells how it ended."""
    results: list[Result] = []
    asyncio.run(_donate(target, donation_kind(path, tries=tries), source, results.append))
    return tuple(results)


async def _donate(target: Target, kind: RequestKind, source: str, record: Callable[[Result], None]) -> None:
    client = Client(target)
    draft = kind.body.make(Random())  # noqa: S311 -- an amount to give, no secret
    donor = RetryingDonor(client, record)
    await donor.give(kind, draft, habit=Habit.CLOSE, source=source, due_at=time.monotonic())
    client.close()
