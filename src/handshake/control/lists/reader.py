"""Reads lists: how an entry stands, what is listed now, what was said."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode
from handshake.catalog.entry import Entry
from handshake.catalog.keys import LIST_DELTAS, list_key
from handshake.control.lists.shelf import ListShelf
from handshake.control.lists.snapshot import SnapshotText, find_standing, fold, parse_snapshot
from handshake.control.lists.word import OFF, ListDelta, ListHead, Standing, Word

_FEW = 64
"""So many entries are searched for one by one; for more, the whole snapshot is read."""


class ListReader:
    """The lists, as they lie in the catalogue and the regions."""

    def __init__(self, catalog: Catalog, shelf: ListShelf) -> None:
        self._catalog = catalog
        self._shelf = shelf

    def open(self, name: str) -> tuple[int, ListHead]:
        """Return a list as a whole, and the catalogue's index of it; 0 where nobody ever changed it."""
        entry = self._catalog.get(list_key(name))
        return (entry.index, decode(ListHead, entry.value)) if entry else (0, ListHead(name=name, revision=0))

    def deltas(self, name: str) -> list[ListDelta]:
        """Return the deltas that lie in the catalogue, oldest first."""
        entries = self._catalog.read(f"{LIST_DELTAS}{name}/").entries
        return [decode(ListDelta, entry.value) for entry in sorted(entries, key=lambda entry: entry.key)]

    def find(self, head: ListHead, entries: Collection[str]) -> dict[str, Standing]:
        """Return how entries stand; those of which nothing was ever said are left out."""
        recent = {
            word.entry: Standing(word=word, origin=delta.origin)
            for delta in self._recent(head)
            for word in delta.words
        }
        found = {entry: recent[entry] for entry in entries if entry in recent}
        rest = [entry for entry in entries if entry not in recent]
        if head.snapshot and rest:
            content = self._shelf.load(head.name, head.snapshot)
            found.update((entry, its) for entry in rest if (its := find_standing(content, entry)))
        return found

    def last_words(self, head: ListHead, entries: Collection[str]) -> dict[str, Word]:
        """Return the last word on each entry."""
        if len(entries) > _FEW:
            known = {its.word.entry: its.word for its in self.fold(head).standings()}
        else:
            known = {entry: its.word for entry, its in self.find(head, entries).items()}
        return {entry: known.get(entry) or Word(entry=entry, until=OFF) for entry in entries}

    def fold(self, head: ListHead, is_kept: Callable[[Word], bool] = lambda _: True) -> SnapshotText:
        """Return what snapshot and deltas come to."""
        base = parse_snapshot(self._shelf.load(head.name, head.snapshot)) if head.snapshot else SnapshotText()
        said = [(delta.origin, delta.words) for delta in self._recent(head)]
        return fold(base, said, is_kept=is_kept)

    def history(self, head: ListHead, newest: int) -> list[ListDelta]:
        """Return what verbs said, newest first."""
        recent = self.deltas(head.name)[::-1][:newest]
        if len(recent) in {newest, head.revision}:
            return recent
        known = {delta.revision for delta in recent}
        older = self._shelf.history(head.name, newest + len(known))
        return [*recent, *(delta for delta in older if delta.revision not in known)][:newest]

    def _recent(self, head: ListHead) -> list[ListDelta]:
        """Return what was said since the snapshot."""
        if head.revision == head.snapshot_revision:
            return []
        span = range(head.snapshot_revision + 1, head.revision + 1)
        return [delta for delta in self.deltas(head.name) if delta.revision in span]


def decode_heads(entries: Iterable[Entry]) -> dict[str, ListHead]:
    """Return the heads that lie in these entries, by list."""
    heads = (decode(ListHead, entry.value) for entry in entries)
    return {head.name: head for head in heads}
