"""One list, from the catalogue and the regions into its map file."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode
from handshake.catalog.keys import list_delta_key
from handshake.control.agent.list_file import KeyChange, ListFile, Mark
from handshake.control.lists.reader import ListReader
from handshake.control.lists.shelf import ListShelf
from handshake.control.lists.snapshot import parse_snapshot
from handshake.control.lists.word import ListDelta, ListHead
from handshake.core.digest import digest_bytes, digits
from handshake.core.errors import UnavailableError
from handshake.edge.door.maps import FOREVER
from handshake.edge.lists.shape import ListShape

_FEW = 16
"""So many deltas are asked for one by one: one ban moves one delta."""


@dataclass(frozen=True, kw_only=True)
class Followed:
    """What following a list came to."""

    file: ListFile
    revision: int
    """The list's revision, which the file holds now; 0 where no verb ever changed the list."""
    changes: tuple[KeyChange, ...]
    is_whole: bool
    """Whether the whole file is another: then `changes` do not tell."""


class ListFollower:
    """Keeps one list's map file where its head is."""

    def __init__(self, catalog: Catalog, shelf: ListShelf, file: ListFile) -> None:
        self._catalog = catalog
        self._shelf = shelf
        self._reader = ListReader(catalog, shelf)
        self._file = file

    def prepare(self, shape: ListShape) -> None:
        """Make sure that there is a file, with the policy's own entries at least: the door starts with no less."""
        if self._file.mark is None:
            leases = {shape.map_key(entry): FOREVER for entry in shape.seeds}
            self._file.rebuild(Mark(base="-", revision=0), leases.items())

    def follow(self, shape: ListShape, head: ListHead | None, now: float) -> Followed:
        """Bring the file to the head; UnavailableError while a delta or the snapshot cannot be had."""
        head = head or ListHead(name=shape.name, revision=0)
        is_whole = self._is_stale(shape, head)
        if is_whole:
            mark = Mark(base=_name_base(shape), revision=head.snapshot_revision)
            self._file.rebuild(mark, self._snapshot(shape, head, now))
        changes = dict.fromkeys(self._file.ended(now), 0)
        for delta in self._missing(head):
            for word in delta.words:
                changes[shape.map_key(word.entry)] = int(word.until) if word.until > now else 0
        made = self._file.apply(changes, head.revision)
        return Followed(file=self._file, revision=head.revision, changes=tuple(made), is_whole=is_whole)

    def _is_stale(self, shape: ListShape, head: ListHead) -> bool:
        mark = self._file.mark
        return (
            mark is None
            or mark.base != _name_base(shape)
            or not head.snapshot_revision <= mark.revision <= head.revision
        )

    def _snapshot(self, shape: ListShape, head: ListHead, now: float) -> Iterator[tuple[str, int]]:
        leases = dict.fromkeys(shape.seeds, FOREVER)
        if head.snapshot:
            leases.update(parse_snapshot(self._shelf.load(head.name, head.snapshot)).leases())
        return ((shape.map_key(entry), until) for entry, until in leases.items() if until > now)

    def _missing(self, head: ListHead) -> Iterator[ListDelta]:
        mark = self._file.mark
        have = mark.revision if mark else 0
        if head.revision - have > _FEW:
            yield from (delta for delta in self._reader.deltas(head.name) if delta.revision > have)
            return
        for revision in range(have + 1, head.revision + 1):
            entry = self._catalog.get(list_delta_key(head.name, revision))
            if entry is None:
                raise UnavailableError(
                    f"delta {revision} of list {head.name} is folded already; its head follows"
                )
            yield decode(ListDelta, entry.value)


def _name_base(shape: ListShape) -> str:
    return digits(digest_bytes("\n".join(shape.seeds).encode()))
