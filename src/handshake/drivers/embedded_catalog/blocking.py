"""Blocking queries: answered now, or when something changes after the index that the client knows."""

from __future__ import annotations

import asyncio
import random
import sqlite3
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Generic, TypeVar

from starlette.requests import Request

from handshake.core.clock import Clock
from handshake.drivers.embedded_catalog.fields import parse_duration, parse_unsigned
from handshake.drivers.embedded_catalog.index import Topic, index_of
from handshake.drivers.embedded_catalog.storage import Storage

# Watchers: who waits for which topics, and the bell that wakes exactly those whom a change concerns.


@dataclass(eq=False, kw_only=True)
class Bell:
    """One watcher's bell."""

    topics: tuple[Topic, ...]
    clock: Clock
    rung: asyncio.Event = field(default_factory=asyncio.Event)

    def hears(self, changed: Iterable[str]) -> bool:
        """Return whether any of the changed topics concerns this watcher."""
        return any(topic.covers(text) for text in changed for topic in self.topics)

    async def wait_until(self, deadline: float) -> bool:
        """Wait for the next ring; False: the deadline, on the monotonic clock, came first."""
        try:
            async with asyncio.timeout(deadline - self.clock.monotonic()):
                await self.rung.wait()
        except TimeoutError:
            return False
        self.rung.clear()
        return True


class Watchers:
    """Every bell that hangs. Used on the event loop alone."""

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._bells: set[Bell] = set()
        self.closed = False

    @contextmanager
    def bell(self, topics: tuple[Topic, ...]) -> Iterator[Bell]:
        """Hang a bell for the length of the block."""
        bell = Bell(topics=topics, clock=self.clock)
        self._bells.add(bell)
        try:
            yield bell
        finally:
            self._bells.discard(bell)

    def wake(self, changed: Iterable[str]) -> None:
        """Ring the bells that the changed topics concern."""
        for bell in self._bells:
            if bell.hears(changed):
                bell.rung.set()

    def close(self) -> None:
        """Ring every bell, so that no request waits any longer."""
        self.closed = True
        for bell in self._bells:
            bell.rung.set()


T = TypeVar("T")

_DEFAULT_WAIT = 5 * 60.0
_LONGEST_WAIT = 10 * 60.0
_JITTER_FRACTION = 16


@dataclass(frozen=True, kw_only=True)
class BlockingResult(Generic[T]):
    """What was read, and the index to ask with next."""

    index: int
    content: T

    @property
    def headers(self) -> dict[str, str]:
        """The headers by which Consul's clients know how to go on."""
        return {
            "X-Consul-Index": str(self.index),
            "X-Consul-KnownLeader": "true",
            "X-Consul-LastContact": "0",
        }


@dataclass(frozen=True, kw_only=True)
class Patience:
    """How a client wants to wait."""

    known: int
    """The index that it has seen; 0: it does not want to wait."""
    seconds: float


async def observe(
    request: Request,
    storage: Storage,
    watchers: Watchers,
    topics: tuple[Topic, ...],
    question: Callable[[sqlite3.Connection], T],
) -> BlockingResult[T]:
    """Answer the question, once `topics` have an index beyond the known one or the client's patience ends."""
    patience = parse_patience(request.query_params)

    def look(db: sqlite3.Connection) -> BlockingResult[T]:
        return BlockingResult(index=index_of(db, topics), content=question(db))

    answer = storage.read(look)
    if answer.index > patience.known:
        return answer
    with watchers.bell(topics) as bell, _farewell(request, bell) as gone:
        deadline = watchers.clock.monotonic() + _with_jitter(patience.seconds)
        while answer.index <= patience.known and not (watchers.closed or gone.done()):
            if not await bell.wait_until(deadline):
                break
            answer = storage.read(look)
    return answer


def parse_patience(parameters: Mapping[str, str]) -> Patience:
    """Return what `?index=` and `?wait=` say, within Consul's limits and without jitter."""
    wait = parse_duration(parameters["wait"], name="wait") if parameters.get("wait") else 0
    return Patience(
        known=parse_unsigned(parameters, "index"), seconds=min(wait or _DEFAULT_WAIT, _LONGEST_WAIT)
    )


def _with_jitter(seconds: float) -> float:
    """Lengthen a wait a little, so that clients which began together do not come back together."""
    return seconds + random.uniform(0, seconds / _JITTER_FRACTION)  # noqa: S311 -- hides nothing


@contextmanager
def _farewell(request: Request, bell: Bell) -> Iterator[asyncio.Task[None]]:
    """Look out, for the length of the block, for the client hanging up."""
    task = asyncio.create_task(_ring_when_gone(request, bell))
    try:
        yield task
    finally:
        task.cancel()


async def _ring_when_gone(request: Request, bell: Bell) -> None:
    """Ring when the client has hung up: nobody is left to wait for."""
    while (await request.receive())["type"] != "http.disconnect":
        pass
    bell.rung.set()
