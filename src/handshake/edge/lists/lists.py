"""Changes lists: each change is one transaction; many deltas are folded into a snapshot."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Sequence
from dataclasses import replace

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import encode
from handshake.catalog.entries import Delete, Put, Write
from handshake.catalog.journal import journal_write
from handshake.catalog.keys import list_delta_key, list_key
from handshake.core.clock import Clock
from handshake.core.errors import ConflictError, RefusedError
from handshake.edge.lists.changes import (
    OFF,
    ChangeAuthor,
    EntryState,
    ListChange,
    ListDelta,
    ListEntry,
    ListHead,
    NextState,
    list_for,
    list_longer,
    take_back,
    unlist,
)
from handshake.edge.lists.reader import ListReader, ListSnapshotStore
from handshake.edge.lists.snapshot import SnapshotText, fold, print_snapshot

MOST_WORDS = 1000
"""Larger changes go into a snapshot: a delta must stay well below the catalogue's limit for a value."""
_TRIES = 20


class Lists:
    """The lists of a campaign. Works while the control plane is down."""

    def __init__(self, catalog: Catalog, clock: Clock, shelf: ListSnapshotStore) -> None:
        self._catalog = catalog
        self._clock = clock
        self._shelf = shelf
        self._reader = ListReader(catalog, shelf)

    def add(self, name: str, *entries: str, seconds: float | None, author: str, reason: str) -> ListDelta:
        """Add entries for a limited time or for good; return the change, with the revision that ingresses acknowledge."""
        what = f"add {print_entries(entries)}"
        return self._say(
            name, entries, ListChange(what=what, author=author, reason=reason, speak=list_for(seconds))
        )

    def add_longer(self, name: str, *entries: str, author: str, reason: str) -> ListDelta:
        """Add entries, each for longer than the last time."""
        what = f"add {print_entries(entries)}"
        return self._say(
            name, entries, ListChange(what=what, author=author, reason=reason, speak=list_longer)
        )

    def remove(self, name: str, *entries: str, author: str, reason: str) -> ListDelta:
        """Remove entries from a list."""
        what = f"remove {print_entries(entries)}"
        return self._say(name, entries, ListChange(what=what, author=author, reason=reason, speak=unlist))

    def add_all(
        self, name: str, entries: Sequence[str], *, seconds: float | None, author: str, reason: str
    ) -> ListDelta:
        """Add many entries at once."""
        what = f"import of {len(entries):,} entries"
        wish = ListChange(what=what, author=author, reason=reason, speak=list_for(seconds))
        if len(entries) <= MOST_WORDS:
            return self._say(name, entries, wish)
        return self._retry(lambda: self._import(name, entries, wish))

    def undo(self, name: str, *, author: str) -> ListDelta:
        """Undo the last change of a list; the undo can itself be undone."""
        last = next(iter(self.history(name, 1)), None)
        if last is None:
            raise RefusedError(
                f"list {name} was never changed", hint="`handshake edge list ls` shows its entries."
            )
        reason = last.origin.reason
        wish = ListChange(
            what=f"undo: {last.what}", author=author, reason=reason, speak=take_back(last.words)
        )
        if last.words:
            return self._say(name, [word.entry for word in last.words], wish)
        return self._retry(lambda: self._restore(name, wish))

    def head(self, name: str) -> ListHead:
        """Return the whole list; its revision is 0 if it was never changed."""
        return self._reader.open(name)[1]

    def find(self, name: str, entry: str) -> EntryState | None:
        """Return the state of an entry, None if it was never changed."""
        return self.find_all(name, (entry,)).get(entry)

    def find_all(self, name: str, entries: Collection[str]) -> dict[str, EntryState]:
        """Return the states of entries; those never changed are left out."""
        return self._reader.find(self.head(name), entries)

    def content(self, name: str) -> list[EntryState]:
        """Return every entry that verbs added and whose lease has not ended."""
        now = self._clock.now()
        return list(self._reader.fold(self.head(name), lambda word: word.until > now).standings())

    def history(self, name: str, newest: int) -> list[ListDelta]:
        """Return the changes, newest first."""
        head = self.head(name)
        return self._reader.history(head, newest) if head.revision else []

    def _say(self, name: str, entries: Sequence[str], wish: ListChange) -> ListDelta:
        def attempt() -> ListDelta:
            index, head = self._reader.open(name)
            last, now = self._reader.last_words(head, entries), self._clock.now()
            words = tuple(wish.speak(word, now) for word in last.values())
            return self._write(index, replace(head, revision=head.revision + 1), wish, now, words)

        return self._retry(attempt)

    def _import(self, name: str, entries: Sequence[str], wish: ListChange) -> ListDelta:
        index, head = self._reader.open(name)
        now = self._clock.now()
        base = self._reader.fold(head)
        # An undo must find the earlier state, so that is stored in the regions too.
        previous = self._shelf.store(name, print_snapshot(base))
        said = [(_origin(wish, now), _speak_of(entries, base, wish.speak, now))]
        snapshot = self._shelf.store(name, print_snapshot(fold(base, said, is_kept=lambda _: True)))
        return self._write(index, _with_snapshot(head, snapshot, previous), wish, now, ())

    def _restore(self, name: str, wish: ListChange) -> ListDelta:
        index, head = self._reader.open(name)
        return self._write(
            index, _with_snapshot(head, head.previous, head.snapshot), wish, self._clock.now(), ()
        )

    def _write(
        self, index: int, head: ListHead, wish: ListChange, now: float, words: tuple[ListEntry, ...]
    ) -> ListDelta:
        delta = ListDelta(revision=head.revision, what=wish.what, origin=_origin(wish, now), words=words)
        self._catalog.transact(
            [
                Put(key=list_key(head.name), value=encode(head), if_index=index),
                Write(key=list_delta_key(head.name, head.revision), value=encode(delta)),
                journal_write(wish.author, f"{head.name}: {wish.what}: {wish.reason}", now),
            ]
        )
        return delta

    def _retry(self, attempt: Callable[[], ListDelta]) -> ListDelta:
        """Several people may ban at once: the second one reads again and retries."""
        for _ in range(_TRIES):
            try:
                return attempt()
            except ConflictError:
                continue
        return attempt()


def print_entries(entries: Sequence[str]) -> str:
    """Return entries as they appear in a sentence."""
    return entries[0] if len(entries) == 1 else f"{len(entries)} entries"


def _origin(wish: ListChange, now: float) -> ChangeAuthor:
    return ChangeAuthor(author=wish.author, reason=wish.reason, at=now)


def _speak_of(
    entries: Sequence[str], base: SnapshotText, speak: NextState, now: float
) -> Iterator[ListEntry]:
    last = {its.word.entry: its.word for its in base.standings()}
    return (speak(last.get(entry) or ListEntry(entry=entry, until=OFF), now) for entry in entries)


def _with_snapshot(head: ListHead, snapshot: str, previous: str) -> ListHead:
    revision = head.revision + 1
    return replace(head, revision=revision, snapshot=snapshot, snapshot_revision=revision, previous=previous)


# Folds a list's deltas into a snapshot, so that the catalogue never holds a million keys.

MOST_DELTAS = 256
_REMEMBERED_SECONDS = 90 * 86_400.0
"""How long strikes are remembered after a lease has ended."""
_OPERATIONS = 60


class Compaction:
    """Folds deltas: done by a verb that finds too many, after the ingresses have acknowledged its change."""

    def __init__(self, catalog: Catalog, clock: Clock, shelf: ListSnapshotStore) -> None:
        self._catalog = catalog
        self._clock = clock
        self._shelf = shelf
        self._reader = ListReader(catalog, shelf)

    def compact(self, name: str, seeds: frozenset[str]) -> bool:
        """Fold a list's deltas if there are many; True if that was done.

        `seeds` are the policy's own entries: a change that removes one must never be forgotten. If the list changes
        in the meantime, nothing is done, and the next verb tries again.
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

        def is_kept(word: ListEntry) -> bool:
            return word.until > forgotten or word.entry in seeds

        return self._shelf.store(head.name, print_snapshot(self._reader.fold(head, is_kept)))

    def _delete(self, name: str, deltas: Sequence[ListDelta]) -> None:
        for begin in range(0, len(deltas), _OPERATIONS):
            batch = deltas[begin : begin + _OPERATIONS]
            self._catalog.transact([Delete(key=list_delta_key(name, delta.revision)) for delta in batch])
