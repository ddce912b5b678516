"""Changes of list entries: leases, their durations, and undo."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeAlias

FOREVER = 253_402_300_799.0
"""The end of a lease with no end: the last second of the year 9999."""
OFF = 0.0
"""The end of a removed lease: the entry is not listed."""


@dataclass(frozen=True, kw_only=True)
class ListEntry:
    """The last change of one entry."""

    entry: str
    """An address, a network or a string, as parsed by `edge/lists/entries.py`."""
    until: float
    """The end of its lease, in seconds since the epoch; `OFF` if it is not listed."""
    strikes: int = 0
    """How often it was listed so far: each default duration is longer than the last."""
    before: float = OFF
    """The end of its previous lease, for the undo."""
    strikes_before: int = 0


@dataclass(frozen=True, kw_only=True)
class ChangeAuthor:
    """Who changed something, when, and why."""

    author: str
    reason: str
    at: float


@dataclass(frozen=True, kw_only=True)
class ListDelta:
    """The change made by one verb."""

    revision: int
    what: str
    """One sentence: `203.0.113.7 for 10 min`, `import of 1,000,000 entries`."""
    origin: ChangeAuthor
    words: tuple[ListEntry, ...]
    """Empty if there were too many: then a snapshot holds them."""


@dataclass(frozen=True, kw_only=True)
class ListHead:
    """The list as a whole."""

    name: str
    revision: int
    """Counts the changes, from 1."""
    snapshot: str = ""
    """The digest of the snapshot; empty if there is none."""
    snapshot_revision: int = 0
    """The snapshot contains the changes up to this revision, deltas the later ones."""
    previous: str = ""
    """The digest of the list before the import that made the snapshot, for the undo."""


@dataclass(frozen=True, kw_only=True)
class EntryState:
    """The state of an entry: its last change, and who made it."""

    word: ListEntry
    origin: ChangeAuthor


# New changes of an entry, computed from its last change.

NextState: TypeAlias = Callable[[ListEntry, float], ListEntry]
"""The last change of an entry, and now -> the next change."""


@dataclass(frozen=True, kw_only=True)
class ListChange:
    """A requested change."""

    what: str
    """One sentence."""
    author: str
    reason: str
    speak: NextState


def list_for(seconds: float | None) -> NextState:
    """Return the change that lists an entry for a limited time, or for good."""

    def speak(old: ListEntry, now: float) -> ListEntry:
        until = FOREVER if seconds is None else now + seconds
        return _follow(old, now, until=until, strikes=old.strikes + 1)

    return speak


def list_longer(old: ListEntry, now: float) -> ListEntry:
    """List an entry for longer than the last time."""
    return _follow(old, now, until=now + step_seconds(old.strikes), strikes=old.strikes + 1)


def unlist(old: ListEntry, now: float) -> ListEntry:
    """Remove an entry; its strikes are kept."""
    return _follow(old, now, until=OFF, strikes=old.strikes)


def take_back(words: tuple[ListEntry, ...]) -> NextState:
    """Return the changes that restore the state of entries before these changes."""
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


# The default duration of an entry: longer each time.

STEPS = (600.0, 3600.0, 86_400.0, 604_800.0)
"""10 minutes, 1 hour, 24 hours, 7 days; then always 7 days. Nothing is listed for good unless requested."""


def step_seconds(strikes: int) -> float:
    """Return the default duration for an entry that was listed this many times before."""
    return STEPS[min(strikes, len(STEPS) - 1)]
