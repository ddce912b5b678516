"""Lists as they lie in the catalogue: a head with a revision, and numbered deltas; one ban is one delta."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entry import Entry, Put, Write
from handshake.catalog.keys import list_key
from handshake.control.journal import journal_write
from handshake.core.clock import Clock

FOREVER = 253_402_300_799.0
"""The end of a lease without an end: the last second of the year 9999."""


@dataclass(frozen=True, kw_only=True)
class ListHead:
    """The list as a whole."""

    name: str
    revision: int
    """Counts the deltas, from 1."""
    snapshot: str = ""
    """The digest of a blob that holds what earlier deltas made; empty while there is none."""


@dataclass(frozen=True, kw_only=True)
class ListDelta:
    """One entry that came or went."""

    network: str
    """An address or a network, as the edge prints it."""
    is_listed: bool
    until: float
    """The end of its lease, in seconds since the epoch."""
    author: str
    reason: str
    at: float


class Lists:
    """Reads and changes lists."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def add(self, name: str, network: str, *, seconds: float | None, author: str, reason: str) -> int:
        """List a network for a time or for good; return the revision that doors will acknowledge."""
        until = FOREVER if seconds is None else self._clock.now() + seconds
        return self._append(name, network, is_listed=True, until=until, author=author, reason=reason)

    def remove(self, name: str, network: str, *, author: str, reason: str) -> int:
        """Take a network off a list; return the revision that doors will acknowledge."""
        return self._append(name, network, is_listed=False, until=0.0, author=author, reason=reason)

    def entries(self, name: str) -> dict[str, ListDelta]:
        """Return what a list holds now, by network."""
        return fold_deltas(self._catalog.read(f"{list_key(name)}/").entries, self._clock.now())

    def _append(
        self, name: str, network: str, *, is_listed: bool, until: float, author: str, reason: str
    ) -> int:
        now = self._clock.now()
        entry = self._catalog.get(list_key(name))
        revision = (decode(ListHead, entry.value).revision if entry else 0) + 1
        delta = ListDelta(
            network=network, is_listed=is_listed, until=until, author=author, reason=reason, at=now
        )
        verb = "add" if is_listed else "remove"
        head = ListHead(name=name, revision=revision)
        self._catalog.transact(
            [
                Put(key=list_key(name), value=encode(head), if_index=entry.index if entry else 0),
                Write(key=f"{list_key(name)}/{revision:010d}", value=encode(delta)),
                journal_write(author, f"{name}: {verb} {network}: {reason}", now),
            ]
        )
        return revision


def decode_heads(entries: Iterable[Entry], prefix: str) -> dict[str, ListHead]:
    """Return the heads among the entries under the lists' prefix, by list."""
    heads = (entry for entry in entries if "/" not in entry.key.removeprefix(prefix))
    return {head.name: head for head in (decode(ListHead, entry.value) for entry in heads)}


def fold_deltas(entries: Iterable[Entry], now: float) -> dict[str, ListDelta]:
    """Return what a list's deltas come to at a moment: the last word on each network, leases that ended left out."""
    last: dict[str, ListDelta] = {}
    for entry in sorted(entries, key=lambda entry: entry.key):
        delta = decode(ListDelta, entry.value)
        last[delta.network] = delta
    return {network: delta for network, delta in last.items() if delta.is_listed and delta.until > now}
