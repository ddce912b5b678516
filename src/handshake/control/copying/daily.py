"""The daily copy: made by one process of the control plane when it is due."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from handshake.catalog.catalog import Catalog
from handshake.catalog.keys import COPYING
from handshake.control.campaign import CopySettings
from handshake.control.copying.record import CopyRecord, read_record
from handshake.control.live import LivePolicy
from handshake.core.clock import Clock
from handshake.core.digest import short
from handshake.core.errors import HandshakeError
from handshake.core.outcome import Outcome
from handshake.core.pointer import Pointer
from handshake.core.problem import ProblemsError

_HOUR = 3600.0
_RETRY_SECONDS = 900.0
_SESSION_SECONDS = 600.0
_OVERDUE = 2
"""Periods after which somebody should look."""


@dataclass(frozen=True, kw_only=True)
class DailyCopy:
    """Looks whether the copy is due, and makes it."""

    catalog: Catalog
    clock: Clock
    read_live: Callable[[], LivePolicy | None]
    make: Callable[[Sequence[str]], Pointer]

    def cycle(self) -> Outcome:
        """Make the copy if it is due and nobody else makes it."""
        live = self.read_live()
        wanted = live.policy.campaign.fallback_copy if live else CopySettings()
        if not wanted.pages:
            return Outcome(sentence="no page is to be copied", changed=False)
        if not is_due(read_record(self.catalog), self.clock.now(), every_hours=wanted.every_hours):
            return Outcome(sentence="the copy is young enough", changed=False)
        session = self.catalog.open_session("copy", _SESSION_SECONDS)
        try:
            if not self.catalog.acquire(COPYING, b"", session):
                return Outcome(sentence="another process makes the copy", changed=False)
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
    """Tell whether the copy should be made now; after a failure it is tried again in a quarter of an hour."""
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
