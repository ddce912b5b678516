"""What was said of entries: one by one, and several in one delta."""

from __future__ import annotations

from dataclasses import dataclass

FOREVER = 253_402_300_799.0
"""The end of a lease without an end: the last second of the year 9999."""
OFF = 0.0
"""The end of a lease that is none: the entry is not listed."""


@dataclass(frozen=True, kw_only=True)
class Word:
    """The last that was said of one entry."""

    entry: str
    """An address, a network or a text, as `edge/lists/entry.py` reads it."""
    until: float
    """The end of its lease, in seconds since the epoch; `OFF` where it is not listed."""
    strikes: int = 0
    """How often it was listed so far: each time is longer where nobody says how long."""
    before: float = OFF
    """The end of the lease that it had before, for the undo."""
    strikes_before: int = 0


@dataclass(frozen=True, kw_only=True)
class Origin:
    """Who said something, when, and why."""

    author: str
    reason: str
    at: float


@dataclass(frozen=True, kw_only=True)
class ListDelta:
    """What one verb said."""

    revision: int
    what: str
    """One sentence: `203.0.113.7 for 10 min`, `import of 1,000,000 entries`."""
    origin: Origin
    words: tuple[Word, ...]
    """Empty where a snapshot says it: then there were too many."""


@dataclass(frozen=True, kw_only=True)
class ListHead:
    """The list as a whole."""

    name: str
    revision: int
    """Counts what verbs said, from 1."""
    snapshot: str = ""
    """The digest of the snapshot; empty while there is none."""
    snapshot_revision: int = 0
    """What was said up to this revision is in the snapshot, and what came later is in deltas."""
    previous: str = ""
    """The digest of what the list was before the import that made the snapshot, for the undo."""


@dataclass(frozen=True, kw_only=True)
class Standing:
    """An entry as it stands: what was last said of it, and who said so."""

    word: Word
    origin: Origin
