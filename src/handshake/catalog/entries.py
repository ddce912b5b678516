"""Entries of the catalogue's key-value store, service endpoints, and the snapshots that reads and watches return."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


@dataclass(frozen=True, kw_only=True)
class CatalogEntry:
    """One key with its value."""

    key: str
    value: bytes
    index: int
    """The store's index when this entry last changed; used for check-and-set."""
    session: str = ""
    """The session that holds the key as a lock; empty if none does."""


@dataclass(frozen=True, kw_only=True)
class Snapshot:
    """All entries under a prefix at one index."""

    index: int
    entries: tuple[CatalogEntry, ...]


@dataclass(frozen=True, kw_only=True)
class Put:
    """Write a key if it is still at `if_index`; 0: only if it does not exist."""

    key: str
    value: bytes
    if_index: int


@dataclass(frozen=True, kw_only=True)
class Write:
    """Write a key unconditionally: for keys with one writer."""

    key: str
    value: bytes


@dataclass(frozen=True, kw_only=True)
class Delete:
    """Remove a key, whether or not it exists."""

    key: str


@dataclass(frozen=True, kw_only=True)
class HeldLock:
    """Let the transaction succeed only while this session holds this key as a lock."""

    key: str
    session: str


Operation = Put | Write | Delete | HeldLock


# Endpoints: the addresses of a service, in the catalogue's own service register.


class CheckStatus(StrEnum):
    """The state of an endpoint's check; an expired check is critical by expiry, not by report."""

    PASSING = "passing"
    WARNING = "warning"
    CRITICAL = "critical"


class Traffic(StrEnum):
    """What routers should do with an endpoint."""

    OPEN = "open"
    DRAINING = "draining"


@dataclass(frozen=True, kw_only=True)
class Endpoint:
    """One address of a service."""

    id: str
    """The instance's id."""
    service: str
    host: str
    port: int
    traffic: Traffic = Traffic.OPEN
    node: str = ""
    revision: int = 0
    """The catalogue's index when this endpoint last changed; 0 in an endpoint that is to be registered."""
    status: CheckStatus = CheckStatus.PASSING


@dataclass(frozen=True, kw_only=True)
class Endpoints:
    """All endpoints of one service at one index."""

    index: int
    endpoints: tuple[Endpoint, ...]
