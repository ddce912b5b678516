"""The writer: one thread applies every change in turn; changes that wait together share a commit."""

from __future__ import annotations

import asyncio
import queue
import sqlite3
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum, auto
from typing import Any, TypeVar

from handshake.core.clock import Clock
from handshake.core.errors import UnavailableError
from handshake.drivers.embedded_catalog import index

# Deadlines on a monotonic clock, in memory: a restart starts each one again, so that it never ends anything by itself.


class Timer(Enum):
    """What a deadline is about."""

    SESSION = auto()
    """A session ends unless renewed."""
    CHECK = auto()
    """A check turns critical unless reported."""
    CRITICAL = auto()
    """A service is deregistered unless its check recovers."""
    LOCK_DELAY = auto()
    """A key may not be locked before."""


class Deadlines:
    """When each timer of each thing runs out. Used by the writer thread alone."""

    def __init__(self) -> None:
        self._due: dict[tuple[Timer, str], float] = {}

    def copy(self) -> Deadlines:
        """Return the deadlines as they are now, to go back to when a change is undone."""
        twin = Deadlines()
        twin._due = dict(self._due)
        return twin

    def set(self, timer: Timer, name: str, due: float) -> None:
        """Let the timer of `name` run out at `due`, whenever it would have before."""
        self._due[timer, name] = due

    def drop(self, timer: Timer, name: str) -> None:
        """Forget the timer of `name`, if there is one."""
        self._due.pop((timer, name), None)

    def is_running(self, timer: Timer, name: str, now: float) -> bool:
        """Return whether the timer of `name` was set and has not run out."""
        return self._due.get((timer, name), now) > now

    def take_due(self, now: float) -> list[tuple[Timer, str]]:
        """Remove and return what has run out, oldest first."""
        due = sorted((key for key, at in self._due.items() if at <= now), key=self._due.__getitem__)
        for key in due:
            del self._due[key]
        return due


# A change: what one request writes. Everything in it carries one index, or there is no index if nothing changed.


class Change:
    """The open transaction of one request, at one moment."""

    def __init__(self, *, db: sqlite3.Connection, deadlines: Deadlines, now: float) -> None:
        self.db = db
        self.deadlines = deadlines
        self.now = now
        self.index = index.last_index(db) + 1
        self.touched: dict[str, bool] = {}

    def touch(self, topic: str) -> None:
        """Note that the topic is another one from this index on."""
        self.touched[topic] = False

    def bury(self, topic: str) -> None:
        """Note that the topic ends at this index."""
        self.touched[topic] = True

    def seal(self) -> None:
        """Take the index if anything changed."""
        if self.touched:
            index.record(self.db, self.index, self.touched)


T = TypeVar("T")
Work = Callable[[Change], T]

_BATCH = 64


@dataclass(eq=False, kw_only=True)
class _Job:
    work: Work[Any]
    answer: asyncio.Future[Any]
    result: Any = None
    error: Exception | None = None
    touched: set[str] = field(default_factory=set)

    def settle(self) -> None:
        if self.answer.done():
            return
        if self.error:
            self.answer.set_exception(self.error)
        else:
            self.answer.set_result(self.result)


class Writer:
    """Turns work into committed changes, then answers, then wakes the watchers."""

    def __init__(
        self,
        *,
        db: sqlite3.Connection,
        clock: Clock,
        loop: asyncio.AbstractEventLoop,
        wake: Callable[[set[str]], None],
    ) -> None:
        self._db = db
        self._clock = clock
        self._loop = loop
        self._wake = wake
        self._deadlines = Deadlines()
        self._jobs: queue.SimpleQueue[_Job | None] = queue.SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="catalogue-writer")

    def start(self) -> None:
        """Begin to take work."""
        self._thread.start()

    def stop(self) -> None:
        """Finish the work that waits, then end the thread."""
        self._jobs.put(None)
        self._thread.join()

    async def write(self, work: Work[T]) -> T:
        """Apply the work and return its result once it is on disk; an error of the work undoes the work alone."""
        answer: asyncio.Future[T] = self._loop.create_future()
        self._jobs.put(_Job(work=work, answer=answer))
        return await answer

    def _work(self) -> None:
        while batch := self._next_batch():
            self._commit(batch)
            self._loop.call_soon_threadsafe(self._announce, batch)

    def _next_batch(self) -> list[_Job]:
        """Wait for a job and take what waits behind it; empty at the end of work."""
        batch: list[_Job] = []
        while job := self._jobs.get():
            batch.append(job)
            if len(batch) == _BATCH or self._jobs.empty():
                return batch
        self._jobs.put(None)  # the end of work: the next call must find it again
        return batch

    def _commit(self, batch: list[_Job]) -> None:
        before = self._deadlines.copy()
        try:
            self._db.execute("BEGIN IMMEDIATE")
            for job in batch:
                self._attempt(job)
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            self._deadlines = before
            self._abandon(batch, error)

    def _attempt(self, job: _Job) -> None:
        before = self._deadlines.copy()
        change = Change(db=self._db, deadlines=self._deadlines, now=self._clock.monotonic())
        self._db.execute("SAVEPOINT job")
        try:
            job.result = job.work(change)
            change.seal()
            job.touched = set(change.touched)
        except sqlite3.OperationalError:
            raise  # the disk, not this job: the whole batch is lost
        except Exception as error:  # noqa: BLE001 -- one faulty job must not end the thread that serves all
            job.error = error
            self._deadlines = before
            self._db.execute("ROLLBACK TO job")
        self._db.execute("RELEASE job")

    def _abandon(self, batch: list[_Job], error: sqlite3.Error) -> None:
        if self._db.in_transaction:
            self._db.execute("ROLLBACK")
        for job in batch:
            job.touched = set()
            job.error = UnavailableError("the catalogue could not write to its disk", details=str(error))

    def _announce(self, batch: list[_Job]) -> None:
        for job in batch:
            job.settle()
        self._wake(set().union(*(job.touched for job in batch)))
