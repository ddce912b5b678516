"""The door's access log on this node, from a moment on: found by halving, since its lines are in the order of time."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO

from handshake.edge.log.record import peek_time

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
