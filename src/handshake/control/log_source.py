"""Where a replay reads its lines: a file, plain or packed with gzip, or standard input."""

from __future__ import annotations

import gzip
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from io import BufferedReader
from pathlib import Path

from handshake.core.problem import Location, Problem, ProblemsError

_GZIP = b"\x1f\x8b"
STDIN = "-"


@dataclass(frozen=True, kw_only=True)
class LogSource:
    """An open log."""

    lines: Iterator[bytes]
    size: int | None
    """Bytes of the file; None where nobody knows how much will come."""
    position: Callable[[], int]
    """How many of them were read so far."""


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
        raise _problem(name, f"the packed log is broken: {error}") from error


def _problem(where: str, what: str) -> ProblemsError:
    problem = Problem(
        check="unreadable-file",
        what=what,
        where=Location(file=where),
        hint="Name a log of the door: JSON lines, plain or packed with gzip.",
    )
    return ProblemsError([problem])
