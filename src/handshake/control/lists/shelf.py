"""Snapshots and old deltas of lists in the regions: written to every one before the catalogue names them."""

from __future__ import annotations

from collections.abc import Sequence

from handshake.catalog.codec import decode, encode
from handshake.control.lists.word import ListDelta
from handshake.core.digest import Digest, digest_bytes, digits
from handshake.core.errors import HandshakeError, UnavailableError
from handshake.core.objects import ObjectStore
from handshake.core.upload import everywhere

_ROOT = "lists/"


class ListShelf:
    """The regions, as lists use them."""

    def __init__(self, stores: Sequence[ObjectStore]) -> None:
        self._stores = stores

    def store(self, name: str, content: bytes) -> Digest:
        """Write a snapshot to every region; return its digest. UnavailableError names the regions that failed."""
        digest = digest_bytes(content)
        key = _snapshot_key(name, digest)
        everywhere(self._stores, lambda store: store.put(key, content))
        return digest

    def load(self, name: str, digest: str) -> bytes:
        """Return a snapshot's bytes from the first region that has it whole; UnavailableError where none does."""
        return self._fetch(_snapshot_key(name, Digest(digest)), Digest(digest))

    def forget(self, name: str, keep: frozenset[str]) -> None:
        """Remove the snapshots that nobody needs any more; a region that does not answer keeps them."""
        kept = {_snapshot_key(name, Digest(digest)) for digest in keep if digest}
        for store in self._stores:
            try:
                store.delete([key for key in store.keys(f"{_ROOT}{name}/snapshots/") if key not in kept])
            except HandshakeError:
                continue

    def archive(self, name: str, deltas: Sequence[ListDelta]) -> None:
        """Keep what verbs said in every region, for `history`."""
        first, last = deltas[0].revision, deltas[-1].revision
        key = f"{_ROOT}{name}/history/{first:010d}-{last:010d}.jsonl"
        content = b"".join(encode(delta) + b"\n" for delta in deltas)
        everywhere(self._stores, lambda store: store.put(key, content))

    def history(self, name: str, newest: int) -> list[ListDelta]:
        """Return the newest of what was archived, newest first; UnavailableError where no region answers."""
        prefix = f"{_ROOT}{name}/history/"
        for store in self._stores:
            try:
                return _read_archive(store, prefix, newest)
            except HandshakeError:
                continue
        raise UnavailableError(f"no region answers for the history of list {name}")

    def _fetch(self, key: str, digest: Digest) -> bytes:
        for store in self._stores:
            try:
                content = store.get(key)
            except HandshakeError:
                continue
            if content is not None and digest_bytes(content) == digest:
                return content
        raise UnavailableError(
            f"no region has {key} whole", hint="bring a region back; importing the list again writes it anew"
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
