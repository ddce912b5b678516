"""The journal: who asked for what, and the result; written in the transaction that it describes."""

from __future__ import annotations

from dataclasses import dataclass

from ulid import ULID

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import Write
from handshake.catalog.keys import JOURNAL, journal_key


@dataclass(frozen=True, kw_only=True)
class JournalRecord:
    """One recorded action."""

    who: str
    what: str
    """One sentence."""
    at: float
    """UTC, seconds since the epoch."""


def journal_write(who: str, what: str, at: float) -> Write:
    """Return the operation that appends a record; its key sorts by time."""
    record = JournalRecord(who=who, what=what, at=at)
    return Write(key=journal_key(str(ULID.from_timestamp(at))), value=encode(record))


def read_journal(catalog: Catalog, newest: int = 50) -> tuple[JournalRecord, ...]:
    """Return the newest records, newest first."""
    entries = sorted(catalog.read(JOURNAL).entries, key=lambda entry: entry.key, reverse=True)
    return tuple(decode(JournalRecord, entry.value) for entry in entries[:newest])
