"""Reads lists: the state of entries and what is listed now, from the catalogue and from snapshots in the regions."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import CatalogEntry
from handshake.catalog.keys import LIST_DELTAS, list_key
from handshake.core.digest import Digest, digest_bytes, digits
from handshake.core.errors import HandshakeError, UnavailableError
from handshake.edge.lists.changes import OFF, EntryState, ListDelta, ListEntry, ListHead
from handshake.edge.lists.snapshot import SnapshotText, find_standing, fold, parse_snapshot
from handshake.release.objects import ObjectStore
from handshake.release.upload import everywhere

# Snapshots and old deltas of lists in the regions: written to every region before the catalogue refers to them.

_ROOT = "lists/"


class ListSnapshotStore:
    """The regions, as storage for lists."""

    def __init__(self, stores: Sequence[ObjectStore]) -> None:
        self._stores = stores

    def store(self, name: str, content: bytes) -> Digest:
        """Write a snapshot to every region; return its digest. UnavailableError with the regions that failed."""
        digest = digest_bytes(content)
        key = _snapshot_key(name, digest)
        everywhere(self._stores, lambda store: store.put(key, content))
        return digest

    def load(self, name: str, digest: str) -> bytes:
        """Return a snapshot from the first region with an intact copy; UnavailableError if there is none."""
        return self._fetch(_snapshot_key(name, Digest(digest)), Digest(digest))

    def forget(self, name: str, keep: frozenset[str]) -> None:
        """Remove snapshots that are no longer needed; a region that does not answer keeps them."""
        kept = {_snapshot_key(name, Digest(digest)) for digest in keep if digest}
        for store in self._stores:
            try:
                store.delete([key for key in store.keys(f"{_ROOT}{name}/snapshots/") if key not in kept])
            except HandshakeError:
                continue

    def archive(self, name: str, deltas: Sequence[ListDelta]) -> None:
        """Archive changes in every region, for `history`."""
        first, last = deltas[0].revision, deltas[-1].revision
        key = f"{_ROOT}{name}/history/{first:010d}-{last:010d}.jsonl"
        content = b"".join(encode(delta) + b"\n" for delta in deltas)
        everywhere(self._stores, lambda store: store.put(key, content))

    def history(self, name: str, newest: int) -> list[ListDelta]:
        """Return the newest archived changes, newest first; UnavailableError if no region answers."""
        prefix = f"{_ROOT}{name}/history/"
        for store in self._stores:
            try:
                return _read_archive(store, prefix, newest)
            except HandshakeError:
                continue
        raise UnavailableError(f"no region answers with the history of list {name}")

    def _fetch(self, key: str, digest: Digest) -> bytes:
        for store in self._stores:
            try:
                content = store.get(key)
            except HandshakeError:
                continue
            if content is not None and digest_bytes(content) == digest:
                return content
        raise UnavailableError(
            f"no region has an intact copy of {key}", hint="Bring a region back, or import the list again."
        )


def _read_archive(store: ObjectStore, prefix: str, newest: int) -> list[ListDelta]:
    found: dict[int, ListDelta] = {}
    for key in sorted(store.keys(prefix), reverse=True):
        content = store.get(key) or b""
        for line in content.splitlines():
            delta = decode(ListDelta, line)
            found[delta.revision] = delta
        if len(found) >= newest:
            break
    return [found[revision] for revision in sorted(found, reverse=True)[:newest]]


def _snapshot_key(name: str, digest: Digest) -> str:
    return f"{_ROOT}{name}/snapshots/{digits(digest)}"


_FEW = 64
"""Up to this many entries are searched for one by one; for more, the whole snapshot is read."""


class ListReader:
    """The lists as stored in the catalogue and the regions."""

    def __init__(self, catalog: Catalog, shelf: ListSnapshotStore) -> None:
        self._catalog = catalog
        self._shelf = shelf

    def open(self, name: str) -> tuple[int, ListHead]:
        """Return a whole list, and its index in the catalogue; 0 if it was never changed."""
        entry = self._catalog.get(list_key(name))
        return (entry.index, decode(ListHead, entry.value)) if entry else (0, ListHead(name=name, revision=0))

    def deltas(self, name: str) -> list[ListDelta]:
        """Return the deltas in the catalogue, oldest first."""
        entries = self._catalog.read(f"{LIST_DELTAS}{name}/").entries
        return [decode(ListDelta, entry.value) for entry in sorted(entries, key=lambda entry: entry.key)]

    def find(self, head: ListHead, entries: Collection[str]) -> dict[str, EntryState]:
        """Return the states of entries; those never changed are left out."""
        recent = {
            word.entry: EntryState(word=word, origin=delta.origin)
            for delta in self._recent(head)
            for word in delta.words
        }
        found = {entry: recent[entry] for entry in entries if entry in recent}
        rest = [entry for entry in entries if entry not in recent]
        if head.snapshot and rest:
            content = self._shelf.load(head.name, head.snapshot)
            found.update((entry, its) for entry in rest if (its := find_standing(content, entry)))
        return found

    def last_words(self, head: ListHead, entries: Collection[str]) -> dict[str, ListEntry]:
        """Return the last change of each entry."""
        if len(entries) > _FEW:
            known = {its.word.entry: its.word for its in self.fold(head).standings()}
        else:
            known = {entry: its.word for entry, its in self.find(head, entries).items()}
        return {entry: known.get(entry) or ListEntry(entry=entry, until=OFF) for entry in entries}

    def fold(self, head: ListHead, is_kept: Callable[[ListEntry], bool] = lambda _: True) -> SnapshotText:
        """Return the result of snapshot and deltas."""
        base = parse_snapshot(self._shelf.load(head.name, head.snapshot)) if head.snapshot else SnapshotText()
        said = [(delta.origin, delta.words) for delta in self._recent(head)]
        return fold(base, said, is_kept=is_kept)

    def history(self, head: ListHead, newest: int) -> list[ListDelta]:
        """Return the changes, newest first."""
        recent = self.deltas(head.name)[::-1][:newest]
        if len(recent) in {newest, head.revision}:
            return recent
        known = {delta.revision for delta in recent}
        older = self._shelf.history(head.name, newest + len(known))
        return [*recent, *(delta for delta in older if delta.revision not in known)][:newest]

    def _recent(self, head: ListHead) -> list[ListDelta]:
        """Return the changes since the snapshot."""
        if head.revision == head.snapshot_revision:
            return []
        span = range(head.snapshot_revision + 1, head.revision + 1)
        return [delta for delta in self.deltas(head.name) if delta.revision in span]


def decode_heads(entries: Iterable[CatalogEntry]) -> dict[str, ListHead]:
    """Return the heads in these entries, by list."""
    heads = (decode(ListHead, entry.value) for entry in entries)
    return {head.name: head for head in heads}
