"""Watchers: who waits for which topics, and the bell that wakes exactly those whom a change concerns."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from handshake.drivers.embedded_catalog.index import Topic


@dataclass(eq=False, kw_only=True)
class Bell:
    """One watcher's bell."""

    topics: tuple[Topic, ...]
    rung: asyncio.Event = field(default_factory=asyncio.Event)

    def hears(self, changed: Iterable[str]) -> bool:
        """Return whether any of the changed topics concerns this watcher."""
        return any(topic.covers(text) for text in changed for topic in self.topics)

    async def wait_until(self, deadline: float) -> bool:
        """Wait for the next ring; False: the deadline, on the monotonic clock, came first."""
        try:
            async with asyncio.timeout(deadline - time.monotonic()):
                await self.rung.wait()
        except TimeoutError:
            return False
        self.rung.clear()
        return True


class Watchers:
    """Every bell that hangs. Used on the event loop alone."""

    def __init__(self) -> None:
        self._bells: set[Bell] = set()
        self.closed = False

    @contextmanager
    def bell(self, topics: tuple[Topic, ...]) -> Iterator[Bell]:
        """Hang a bell for the length of the block."""
        bell = Bell(topics=topics)
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
