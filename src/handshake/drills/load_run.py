"""Runs a load in its own process, so that its caller delays no request, and reads the record it writes."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from tempfile import TemporaryFile
from typing import IO

from handshake.catalog.codec import decode, encode
from handshake.core.clock import Clock, SystemClock
from handshake.core.errors import UnavailableError
from handshake.drills.client import PAUSE_SECONDS
from handshake.drills.plan import LoadPlan
from handshake.drills.requests import RequestResult

# What a load in a process of its own writes.


class LoadFiles:
    """Its record and its errors. The files have no name, so nothing is left behind after a crash."""

    def __init__(self) -> None:
        self.record: IO[bytes] = TemporaryFile()  # noqa: SIM115 -- closed by `close`
        self.complaints: IO[bytes] = TemporaryFile()  # noqa: SIM115 -- closed by `close`

    @property
    def has_record(self) -> bool:
        """Whether the first line has been written."""
        return os.fstat(self.record.fileno()).st_size > 0

    def read_record(self) -> IO[bytes]:
        """Return the record's lines."""
        self.record.seek(0)
        return self.record

    def read_complaints(self) -> str:
        """Return what the process wrote to standard error."""
        self.complaints.seek(0)
        return self.complaints.read().decode(errors="replace")

    def close(self) -> None:
        """Forget them."""
        self.record.close()
        self.complaints.close()


# The record of a load: lines of JSON, the first one says when it began, the last one when it was over.


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """The first line."""

    began_at: float
    """On the machine's monotonic clock."""
    utc: float
    """The same moment as seconds since the epoch."""


@dataclass(frozen=True, kw_only=True)
class LoadRecordEnd:
    """The last line."""

    ended_at: float
    """The last request started before it, and may have ended after it."""
    cpu_seconds: float
    """The resource usage of the load's process."""


@dataclass(frozen=True, kw_only=True)
class LoadRecord:
    """All of it."""

    beginning: Beginning
    results: tuple[RequestResult, ...]
    """In the order in which they ended."""
    ending: LoadRecordEnd


Line = Beginning | RequestResult | LoadRecordEnd


def print_line(line: Line) -> bytes:
    """Print one line."""
    return encode(line) + b"\n"


def parse_record(lines: Iterable[bytes]) -> LoadRecord:
    """Parse a whole record; UnavailableError where it was cut off."""
    try:
        first, *middle, last = lines
        return LoadRecord(
            beginning=decode(Beginning, first),
            results=tuple(decode(RequestResult, line) for line in middle),
            ending=decode(LoadRecordEnd, last),
        )
    except ValueError as error:
        raise UnavailableError("the load did not finish", details=str(error)) from error


START_SECONDS = 15.0
"""How long the process may take to start."""
MARGIN_SECONDS = 5.0
"""How much longer than its last request the process may take to end."""
POLL_SECONDS = 0.01

_SYSTEM = SystemClock()


@dataclass(frozen=True, kw_only=True)
class LoadMark:
    """An action of the caller during the load."""

    name: str
    at: float
    """On the machine's monotonic clock."""


@dataclass(frozen=True, kw_only=True)
class LoadReport:
    """A finished load: the plan, the results, and the marks."""

    plan: LoadPlan
    record: LoadRecord
    marks: tuple[LoadMark, ...]


class LoadRun:
    """One run: the caller acts, sets marks, stops it and asks for the result.

    The process cannot outlive its starter: it ends when the starter's end of its standard input does.
    """

    def __init__(
        self, plan: LoadPlan, clock: Clock, process: subprocess.Popen[bytes], files: LoadFiles
    ) -> None:
        self._plan = plan
        self._clock = clock
        self._process = process
        self._files = files
        self._marks: list[LoadMark] = []
        self._reports: list[LoadReport] = []

    @classmethod
    def start(cls, plan: LoadPlan, clock: Clock) -> LoadRun:
        """Start the process and return once the load has begun; UnavailableError where it does not."""
        files = LoadFiles()
        argv = (sys.executable, "-m", "handshake.drills.load")
        process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=files.record, stderr=files.complaints)
        run = cls(plan, clock, process, files)
        try:
            run._begin()
        except BaseException:
            run.kill()
            raise
        return run

    @property
    def pid(self) -> int:
        """The process that sends the load."""
        return self._process.pid

    def mark(self, name: str) -> None:
        """Note that something happens now; what ends from here on is counted under its name."""
        self._marks.append(LoadMark(name=name, at=self._clock.monotonic()))

    def wait(self) -> None:
        """Wait until the plan has been sent to its end."""
        self._end(within_seconds=self._plan.duration_seconds + self._patience_seconds)

    def stop(self) -> None:
        """Begin no more requests, wait for those under way; UnavailableError where the load broke. Idempotent."""
        if self._reports:
            return
        self._input.close()
        self._end(within_seconds=self._patience_seconds)
        if self._process.returncode:
            raise UnavailableError("the load failed", details=self._files.read_complaints())
        record = parse_record(self._files.read_record())
        self._reports.append(LoadReport(plan=self._plan, record=record, marks=tuple(self._marks)))
        self._files.close()

    def result(self) -> LoadReport:
        """Return the result of it; a load that still runs is stopped first."""
        self.stop()
        return self._reports[0]

    def kill(self) -> None:
        """End the process at once if it still runs, and forget what it wrote. Idempotent."""
        self._process.kill()
        self._process.wait()
        self._input.close()
        self._files.close()

    @property
    def _input(self) -> IO[bytes]:
        assert self._process.stdin, "standard input was opened as a pipe"  # noqa: S101 -- for the type checker
        return self._process.stdin

    @property
    def _patience_seconds(self) -> float:
        tries = max(kind.tries for kind in self._plan.kinds)
        return tries * (self._plan.timeout_seconds + PAUSE_SECONDS) + MARGIN_SECONDS

    def _begin(self) -> None:
        with suppress(BrokenPipeError):
            self._input.write(encode(self._plan) + b"\n")
            self._input.flush()
        deadline = self._clock.monotonic() + START_SECONDS
        while not self._files.has_record:
            if self._process.poll() is not None or self._clock.monotonic() > deadline:
                raise UnavailableError("the load did not start", details=self._files.read_complaints())
            self._clock.sleep(POLL_SECONDS)

    def _end(self, *, within_seconds: float) -> None:
        try:
            self._process.wait(within_seconds)
        except subprocess.TimeoutExpired as error:
            raise UnavailableError(f"the load did not end within {within_seconds:g} s") from error


@contextmanager
def load_running(plan: LoadPlan, *, clock: Clock = _SYSTEM) -> Iterator[LoadRun]:
    """Send a plan's load while the block runs, and stop it at the block's end; then ask for the result."""
    run = LoadRun.start(plan, clock)
    try:
        yield run
        run.stop()
    finally:
        run.kill()
