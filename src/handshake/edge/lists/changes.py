"""Changes of list entries: what operators said of each, for how long, and what follows from it."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

FOREVER = 253_402_300_799.0
"""The end of a lease without an end: the last second of the year 9999."""
OFF = 0.0
"""The end of a lease that is none: the entry is not listed."""


@dataclass(frozen=True, kw_only=True)
class ListEntry:
    """The last that was said of one entry."""

    entry: str
    """An address, a network or a text, as `edge/lists/entries.py` reads it."""
    until: float
    """The end of its lease, in seconds since the epoch; `OFF` where it is not listed."""
    strikes: int = 0
    """How often it was listed so far: each time is longer where nobody says how long."""
    before: float = OFF
    """The end of the lease that it had before, for the undo."""
    strikes_before: int = 0


@dataclass(frozen=True, kw_only=True)
class ChangeAuthor:
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
    origin: ChangeAuthor
    words: tuple[ListEntry, ...]
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
class EntryState:
    """An entry as it stands: what was last said of it, and who said so."""

    word: ListEntry
    origin: ChangeAuthor


# What verbs say of an entry, given what was last said of it.

NextState: TypeAlias = Callable[[ListEntry, float], ListEntry]
"""The last word on an entry, and now -> the next word."""


@dataclass(frozen=True, kw_only=True)
class ListChange:
    """What somebody wants to be said."""

    what: str
    """One sentence."""
    author: str
    reason: str
    speak: NextState


def list_for(seconds: float | None) -> NextState:
    """Return what lists an entry for a time, or for good."""

    def speak(old: ListEntry, now: float) -> ListEntry:
        until = FOREVER if seconds is None else now + seconds
        return _follow(old, now, until=until, strikes=old.strikes + 1)

    return speak


def list_longer(old: ListEntry, now: float) -> ListEntry:
    """List an entry for longer than the last time."""
    return _follow(old, now, until=now + step_seconds(old.strikes), strikes=old.strikes + 1)


def unlist(old: ListEntry, now: float) -> ListEntry:
    """Say that an entry is not listed; its strikes stay."""
    return _follow(old, now, until=OFF, strikes=old.strikes)


def take_back(words: tuple[ListEntry, ...]) -> NextState:
    """Return what puts entries back to what they were before these words."""
    before = {word.entry: word for word in words}

    def speak(old: ListEntry, now: float) -> ListEntry:
        word = before[old.entry]
        return _follow(old, now, until=word.before, strikes=word.strikes_before)

    return speak


def _follow(old: ListEntry, now: float, *, until: float, strikes: int) -> ListEntry:
    return ListEntry(
        entry=old.entry,
        until=until,
        strikes=strikes,
        before=old.until if old.until > now else OFF,
        strikes_before=old.strikes,
    )


# How long an entry stays where nobody says: longer each time.

STEPS = (600.0, 3600.0, 86_400.0, 604_800.0)
"""10 minutes, 1 hour, 24 hours, 7 days; the last one from then on. Nothing is for good without being asked."""


def step_seconds(strikes: int) -> float:
    """Return how long an entry stays that was listed so many times before."""
    return STEPS[min(strikes, len(STEPS) - 1)]
