"""When the fallback copy was made last, and when the next one is due."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Annotated

from pydantic import Field, StringConstraints

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import Operation, Write
from handshake.catalog.keys import COPY, COPYING
from handshake.config.settings import Settings
from handshake.core.clock import Clock
from handshake.core.digest import short
from handshake.core.errors import HandshakeError
from handshake.core.outcome import Outcome
from handshake.core.problem import ProblemsError
from handshake.core.subject import Kind, Subject
from handshake.pointers.pointer import Pointer

# What is known of the fallback copy: when it was made last, and what was in the way.

SUBJECT = Subject(kind=Kind.SITE, name="fallback-copy")
"""The name of the copy's site; it has no mount."""


@dataclass(frozen=True, kw_only=True)
class CopyRecord:
    """The last attempts."""

    made_at: float
    """When a copy was last made; 0 if never. UTC, seconds since the epoch."""
    tried_at: float
    problem: str
    """Why the last attempt failed; empty if it succeeded."""


NEVER = CopyRecord(made_at=0.0, tried_at=0.0, problem="")


def read_record(catalog: Catalog) -> CopyRecord:
    """Return what is known."""
    entry = catalog.get(COPY)
    return decode(CopyRecord, entry.value) if entry else NEVER


def write_record(record: CopyRecord) -> Operation:
    """Return the operation that notes an attempt."""
    return Write(key=COPY, value=encode(record))


_HOUR = 3600.0
_RETRY_SECONDS = 900.0
_SESSION_SECONDS = 600.0
_OVERDUE = 2
"""Periods after which a missing copy is reported."""


@dataclass(frozen=True, kw_only=True)
class DailyCopy:
    """Checks whether the copy is due, and makes it."""

    catalog: Catalog
    clock: Clock
    read_settings: Callable[[], CopySettings]
    make: Callable[[Sequence[str]], Pointer]

    def cycle(self) -> Outcome:
        """Make the copy if it is due and nobody else makes it."""
        wanted = self.read_settings()
        if not wanted.pages:
            return Outcome(sentence="there are no pages to copy", changed=False)
        if not is_due(read_record(self.catalog), self.clock.now(), every_hours=wanted.every_hours):
            return Outcome(sentence="the copy is recent enough", changed=False)
        session = self.catalog.open_session("copy", _SESSION_SECONDS)
        try:
            if not self.catalog.acquire(COPYING, b"", session):
                return Outcome(sentence="another process is making the copy", changed=False)
            return self._make(wanted.pages)
        finally:
            self.catalog.close_session(session)

    def _make(self, pages: Sequence[str]) -> Outcome:
        try:
            pointer = self.make(pages)
        except (HandshakeError, ProblemsError) as error:
            return Outcome(sentence=f"the copy could not be made: {error}", changed=False)
        return Outcome(sentence=f"made the copy {short(pointer.release)}", changed=True)


def is_due(record: CopyRecord, now: float, *, every_hours: float) -> bool:
    """Return whether the copy should be made now; after a failure it is tried again in a quarter of an hour."""
    if record.problem:
        return now - record.tried_at >= _RETRY_SECONDS
    return now - record.made_at >= every_hours * _HOUR


def describe_age(record: CopyRecord, now: float, *, every_hours: float) -> str:
    """Return what an operator should know of the copy's age, or nothing."""
    if record.made_at and now - record.made_at < _OVERDUE * every_hours * _HOUR:
        return ""
    age = f"is {(now - record.made_at) / _HOUR:.0f} hours old" if record.made_at else "was never made"
    why = f": {record.problem}" if record.problem else ""
    return f"the fallback copy {age}{why}"


# What an operator writes in handshake.toml: the campaign's name, its parts, and where they listen.

PagePath = Annotated[str, StringConstraints(pattern=r"^/[A-Za-z0-9._~/-]*$")]


class CopySettings(Settings):
    """Pages that are kept as static files, for when everything that renders them is down."""

    pages: tuple[PagePath, ...] = Field(
        default=(), description="Paths of the pages, such as `/`. Empty: no copy is made."
    )
    every_hours: float = Field(default=24.0, gt=0, description="The interval between copies, in hours.")
