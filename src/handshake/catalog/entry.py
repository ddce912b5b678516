"""Entries of the catalogue's key-value store, and the snapshots that reads and watches return."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One key with its value."""

    key: str
    value: bytes
    index: int
    """The store's index when this entry last changed; what check-and-set compares."""
    session: str = ""
    """The session that holds the key as a lock; empty where none does."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All entries under a prefix at one index."""

    index: int
    entries: tuple[Entry, ...]


@dataclass(frozen=True, kw_only=True)
class Put:
    """Write a key if it is still at `if_index`; 0 means: if it does not exist."""

    key: str
    value: bytes
    if_index: int


@dataclass(frozen=True, kw_only=True)
class Write:
    """Write a key whatever stands there: for keys with one writer."""

    key: str
    value: bytes


@dataclass(frozen=True, kw_only=True)
class Delete:
    """Remove a key, whether or not it exists."""

    key: str


@dataclass(frozen=True, kw_only=True)
class Held:
    """Let the transaction pass only while this session holds this key as a lock."""

    key: str
    session: str


Operation = Put | Write | Delete | Held
