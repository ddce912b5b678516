"""Blocking queries: an answer now, or when what was asked for has changed after the index that the client knows."""

from __future__ import annotations

import asyncio
import random
import sqlite3
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, TypeVar

from starlette.requests import Request

from handshake.drivers.embedded_catalog.durations import parse_duration
from handshake.drivers.embedded_catalog.fields import parse_unsigned
from handshake.drivers.embedded_catalog.index import Topic, index_of
from handshake.drivers.embedded_catalog.storage import Storage
from handshake.drivers.embedded_catalog.watch import Bell, Watchers

T = TypeVar("T")

_DEFAULT_WAIT = 5 * 60.0
_LONGEST_WAIT = 10 * 60.0
_JITTER_FRACTION = 16


@dataclass(frozen=True, kw_only=True)
class Answer(Generic[T]):
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
) -> Answer[T]:
    """Answer the question, once `topics` have an index beyond the known one or the client's patience ends."""
    patience = parse_patience(request.query_params)

    def look(db: sqlite3.Connection) -> Answer[T]:
        return Answer(index=index_of(db, topics), content=question(db))

    answer = storage.read(look)
    if answer.index > patience.known:
        return answer
    with watchers.bell(topics) as bell, _farewell(request, bell) as gone:
        deadline = time.monotonic() + _with_jitter(patience.seconds)
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
