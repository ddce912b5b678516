"""Folds a list's deltas into a snapshot, so that the catalogue never holds a million keys."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import encode
from handshake.catalog.entry import Delete, Put
from handshake.catalog.keys import list_delta_key, list_key
from handshake.control.lists.reader import ListReader
from handshake.control.lists.shelf import ListShelf
from handshake.control.lists.snapshot import print_snapshot
from handshake.control.lists.word import ListDelta, ListHead, Word
from handshake.core.clock import Clock
from handshake.core.errors import ConflictError

MOST_DELTAS = 256
_REMEMBERED_SECONDS = 90 * 86_400.0
"""How long strikes are remembered after a lease has ended."""
_OPERATIONS = 60


class Compaction:
    """What the verb that finds too many deltas does once the doors have acknowledged its own."""

    def __init__(self, catalog: Catalog, clock: Clock, shelf: ListShelf) -> None:
        self._catalog = catalog
        self._clock = clock
        self._shelf = shelf
        self._reader = ListReader(catalog, shelf)

    def compact(self, name: str, seeds: frozenset[str]) -> bool:
        """Fold a list's deltas where there are many; True where that was done.

        `seeds` are the policy's own entries: a word that takes one off must never be forgotten. Where somebody
        changes the list meanwhile, nothing was done, and whoever comes next finds it still to be done.
        """
        index, head = self._reader.open(name)
        deltas = self._reader.deltas(name)
        if len(deltas) <= MOST_DELTAS:
            return False
        snapshot = self._store(head, seeds)
        self._shelf.archive(name, deltas)
        compacted = replace(head, snapshot=snapshot, snapshot_revision=head.revision)
        try:
            self._catalog.transact([Put(key=list_key(name), value=encode(compacted), if_index=index)])
        except ConflictError:
            return False
        self._delete(name, [delta for delta in deltas if delta.revision <= head.revision])
        self._shelf.forget(name, frozenset({snapshot, head.snapshot, head.previous}))
        return True

    def _store(self, head: ListHead, seeds: frozenset[str]) -> str:
        forgotten = self._clock.now() - _REMEMBERED_SECONDS

        def is_kept(word: Word) -> bool:
            return word.until > forgotten or word.entry in seeds

        return self._shelf.store(head.name, print_snapshot(self._reader.fold(head, is_kept)))

    def _delete(self, name: str, deltas: Sequence[ListDelta]) -> None:
        for begin in range(0, len(deltas), _OPERATIONS):
            batch = deltas[begin : begin + _OPERATIONS]
            self._catalog.transact([Delete(key=list_delta_key(name, delta.revision)) for delta in batch])
