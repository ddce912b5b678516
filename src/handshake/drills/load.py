"""The load: starts each request at its scheduled time, whatever happened to the earlier ones.

`python -m handshake.drills.load` reads a plan (one line of JSON) and writes a record (lines of JSON).
"""

from __future__ import annotations

import asyncio
import resource
import sys
import time
from collections.abc import Callable
from random import Random
from typing import IO

import uvloop

from handshake.catalog.codec import decode
from handshake.core.clock import Clock, SystemClock
from handshake.drills.client import Client, RetryingDonor
from handshake.drills.load_run import Beginning, Line, LoadRecordEnd, print_line
from handshake.drills.plan import LoadPlan, Turn, schedule
from handshake.drills.requests import RequestResult

_SYSTEM = SystemClock()


class Load:
    """One run of a plan in this process. Results are passed on at once and not kept."""

    def __init__(
        self, plan: LoadPlan, record: Callable[[RequestResult], None], *, clock: Clock = _SYSTEM
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._client = Client(
            plan.target,
            timeout_seconds=plan.timeout_seconds,
            rest_seconds=plan.habits.rest_seconds,
            clock=clock,
        )
        self._donor = RetryingDonor(self._client, record, clock=clock)
        self._chance = Random(plan.seed)  # noqa: S311 -- amounts to give, no secret
        self._turns: asyncio.Task[None] | None = None
        self._is_stopped = False
        self._over_at = 0.0

    async def run(self, began_at: float) -> float:
        """Send the plan, counted from a moment of the monotonic clock, and wait for the last answer.

        Returns the moment when the load was over: no request is begun after it, some end after it.
        """
        self._over_at = began_at
        try:
            async with asyncio.TaskGroup() as group:
                if not self._is_stopped:
                    self._turns = group.create_task(self._take_turns(group, began_at))
        finally:
            self._client.close()
        return self._over_at

    def stop(self) -> None:
        """Begin no more requests, also if the run has not begun; those that are under way are finished."""
        self._is_stopped = True
        if self._turns:
            self._turns.cancel()

    async def _take_turns(self, group: asyncio.TaskGroup, began_at: float) -> None:
        try:
            for turn in schedule(self._plan):
                due_at = began_at + turn.after_seconds
                await self._wait_until(due_at)
                group.create_task(self._send(turn, due_at))
            await self._wait_until(began_at + self._plan.duration_seconds)
        finally:
            self._over_at = self._clock.monotonic()

    async def _send(self, turn: Turn, due_at: float) -> None:
        draft = turn.kind.body.make(self._chance)
        await self._donor.give(turn.kind, draft, habit=turn.habit, source=turn.source, due_at=due_at)

    async def _wait_until(self, moment: float) -> None:
        # Zero where the load is late: others get the loop for a moment all the same.
        await asyncio.sleep(max(0.0, moment - self._clock.monotonic()))


def main() -> None:
    """Send a plan from standard input and write its record to standard output.

    Standard input is a lifeline: when it ends, because the starter closed it or is dead, no more is begun.
    """
    plan = decode(LoadPlan, sys.stdin.buffer.readline())
    _allow_many_connections()
    uvloop.run(_run(plan, sys.stdout.buffer))


async def _run(plan: LoadPlan, record: IO[bytes]) -> None:
    def write(line: Line) -> None:
        record.write(print_line(line))

    load, loop = Load(plan, write), asyncio.get_running_loop()
    began_at = _SYSTEM.monotonic()
    write(Beginning(began_at=began_at, utc=_SYSTEM.now()))
    record.flush()
    running = loop.create_task(load.run(began_at))

    def stop() -> None:
        loop.remove_reader(sys.stdin.fileno())
        load.stop()

    loop.add_reader(sys.stdin.fileno(), stop)
    write(LoadRecordEnd(ended_at=await running, cpu_seconds=time.process_time()))


def _allow_many_connections() -> None:
    _, most = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (most, most))


if __name__ == "__main__":
    main()
