"""What is known of the fallback copy: when it was made last, and what was in the way."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entry import Operation, Write
from handshake.catalog.keys import COPY
from handshake.core.release import Kind, Subject

SUBJECT = Subject(kind=Kind.SITE, name="fallback-copy")
"""The site that the copy is; it has no mount."""


@dataclass(frozen=True, kw_only=True)
class CopyRecord:
    """The last attempts."""

    made_at: float
    """When a copy was made last; 0 where none ever was. UTC, seconds since the epoch."""
    tried_at: float
    problem: str
    """What was in the way of the last attempt; empty where it went well."""


NEVER = CopyRecord(made_at=0.0, tried_at=0.0, problem="")


def read_record(catalog: Catalog) -> CopyRecord:
    """Return what is known."""
    entry = catalog.get(COPY)
    return decode(CopyRecord, entry.value) if entry else NEVER


def write_record(record: CopyRecord) -> Operation:
    """Return the operation that notes an attempt."""
    return Write(key=COPY, value=encode(record))
