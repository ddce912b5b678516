"""The record of a load: lines of JSON, the first one says when it began, the last one when it was over."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from handshake.catalog.codec import decode, encode
from handshake.core.errors import UnavailableError
from handshake.drills.result import Result


@dataclass(frozen=True, kw_only=True)
class Beginning:
    """The first line."""

    began_at: float
    """On the machine's monotonic clock."""
    utc: float
    """The same moment as seconds since the epoch."""


@dataclass(frozen=True, kw_only=True)
class Ending:
    """The last line."""

    ended_at: float
    """The last request was begun before it, and may have ended after it."""
    cpu_seconds: float
    """What the process that sent the load has used."""


@dataclass(frozen=True, kw_only=True)
class LoadRecord:
    """All of it."""

    beginning: Beginning
    results: tuple[Result, ...]
    """In the order in which they ended."""
    ending: Ending


Line = Beginning | Result | Ending


def print_line(line: Line) -> bytes:
    """Print one line."""
    return encode(line) + b"\n"


def parse_record(lines: Iterable[bytes]) -> LoadRecord:
    """Parse a whole record; UnavailableError where it was cut off."""
    try:
        first, *middle, last = lines
        return LoadRecord(
            beginning=decode(Beginning, first),
            results=tuple(decode(Result, line) for line in middle),
            ending=decode(Ending, last),
        )
    except ValueError as error:
        raise UnavailableError("the load did not come to its end", details=str(error)) from error
