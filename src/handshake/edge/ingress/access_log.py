"""Reads the ingress's access log on this node, or from a file or stdin, and analyzes it with the live policy."""

from __future__ import annotations

import gzip
import os
import sys
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path
from typing import BinaryIO

from handshake.core.clock import Clock
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.edge.lists.entries import ListShape
from handshake.edge.policy.declarations import ListKind
from handshake.edge.policy.networks import Matcher
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.simulate.access_log import find_decoy_rules, find_list_rules, peek_time
from handshake.edge.simulate.log_analysis import (
    BanPreview,
    DecoyReport,
    account_decoys,
    count_agents,
    count_clients,
    count_hits,
    preview_agents,
    preview_clients,
)

# The ingress's access log on this node, from a moment on: found by halving, since its lines are in the order of time.

_CLOSE_BYTES = 1 << 16
_GLANCE_BYTES = 8 << 20


class AccessLog:
    """A log that grows while it is read."""

    def __init__(self, file: Path) -> None:
        self._file = file

    def lines(self, since: float) -> Iterator[bytes]:
        """Yield the records' lines from a moment on; none where there is no log yet."""
        if not self._file.exists():
            return
        with self._file.open("rb") as log:
            log.seek(_find(log, since))
            for line in log:
                time = peek_time(line)
                if time is not None and time >= since:
                    yield line

    def latest(self) -> Iterator[bytes]:
        """Yield the last records' lines, few enough for a glance."""
        if not self._file.exists():
            return
        with self._file.open("rb") as log:
            begin = max(0, log.seek(0, os.SEEK_END) - _GLANCE_BYTES)
            log.seek(begin)
            if begin:
                log.readline()
            yield from (line for line in log if peek_time(line) is not None)


def _find(log: BinaryIO, since: float) -> int:
    """Return a place at the start of a line, not far before the first record of that moment."""
    begin, end = 0, log.seek(0, os.SEEK_END)
    while end - begin > _CLOSE_BYTES:
        middle = (begin + end) // 2
        log.seek(middle)
        log.readline()
        time = _next_time(log)
        if time is None or time >= since:
            end = middle
        else:
            begin = middle
    log.seek(begin)
    return begin + len(log.readline()) if begin else 0


def _next_time(log: BinaryIO) -> float | None:
    """Return the time of the next record, past what HAProxy itself has to say."""
    for line in log:
        if (time := peek_time(line)) is not None:
            return time
    return None


_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class AccessLogAnalyzer:
    """Reads this node's access log. Nothing is counted while a request waits."""

    log: AccessLog
    clock: Clock
    policy: EdgePolicy

    def preview(self, shape: ListShape, entries: Collection[str], seconds: float) -> BanPreview:
        """Return whom entries would have met in the last seconds; whoever is protected would not."""
        decoys = find_decoy_rules(self.policy)
        if shape.kind is ListKind.TEXT:
            spared = frozenset(shape.protected_texts)
            return preview_agents(
                self._lines(seconds), lambda agent: agent in entries and agent not in spared, decoys
            )
        meets = Matcher(entries)
        spares = Matcher([str(network) for network in shape.protected])
        return preview_clients(
            self._lines(seconds),
            lambda client: meets.find(client) is not None and spares.find(client) is None,
            decoys,
        )

    def hits(self, shape: ListShape, entries: Collection[str], seconds: float) -> Counter[str]:
        """Return how many requests each entry has met in the last seconds."""
        rules = find_list_rules(self.policy, shape.name)
        if shape.kind is ListKind.TEXT:
            return count_hits(
                count_agents(self._lines(seconds), rules), lambda agent: agent if agent in entries else None
            )
        return count_hits(count_clients(self._lines(seconds), rules), Matcher(entries).find)

    def decoys(self, seconds: float) -> DecoyReport:
        """Return who got decoys in the last seconds."""
        return account_decoys(self._lines(seconds), find_decoy_rules(self.policy))

    def alarm(self) -> str:
        """Return what an operator should know of decoys at a glance; empty if all is well."""
        rules = find_decoy_rules(self.policy)
        suspects = account_decoys(self.log.latest(), rules).suspects if rules else ()
        if not suspects:
            return ""
        named = ", ".join(each.client for each in suspects[:_NAMED])
        return f"decoys were sent to clients who had donated before: {named}; see `handshake edge decoys`"

    def _lines(self, seconds: float) -> Iterable[bytes]:
        return self.log.lines(self.clock.now() - seconds)


# Where a replay reads its lines: a file, plain or packed with gzip, or standard input.

_GZIP = b"\x1f\x8b"
STDIN = "-"


@dataclass(frozen=True, kw_only=True)
class LogSource:
    """An open log."""

    lines: Iterator[bytes]
    size: int | None
    """The file's size in bytes; None if unknown."""
    position: Callable[[], int]
    """How many of them have been read so far."""


@contextmanager
def open_log(name: str) -> Iterator[LogSource]:
    """Open a log until the block ends; ProblemsError where it cannot be read."""
    if name == STDIN:
        yield LogSource(lines=iter(sys.stdin.buffer), size=None, position=lambda: 0)
        return
    with _open(Path(name)) as file:
        # A buffer's own position would end its reading ahead; the file's below it is exact enough for a bar.
        is_packed = file.peek(len(_GZIP)).startswith(_GZIP)
        lines = _unpack(file, name) if is_packed else iter(file)
        yield LogSource(lines=lines, size=Path(name).stat().st_size, position=file.raw.tell)


def _open(path: Path) -> BufferedReader:
    try:
        return path.open("rb")
    except OSError as error:
        raise _problem(str(path), f"the log cannot be read: {error.strerror}") from error


def _unpack(file: BufferedReader, name: str) -> Iterator[bytes]:
    try:
        with gzip.open(file) as unpacked:
            yield from unpacked
    except (gzip.BadGzipFile, EOFError) as error:
        raise _problem(name, f"the compressed log is damaged: {error}") from error


def _problem(where: str, what: str) -> ProblemsError:
    problem = Problem(
        check="unreadable-file",
        what=what,
        where=Location(file=where),
        hint="Specify an access log of the ingress: JSON lines, plain or gzipped.",
    )
    return ProblemsError([problem])
