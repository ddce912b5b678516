"""The text of a snapshot: the origins (who changed what), a blank line, then a line for each entry.

A row is: entry, end of its lease (`-` for good, 0 for none), strikes, number of the origin. A list may have a
million rows, so a lookup of one row does not parse the others.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass

from handshake.edge.lists.changes import FOREVER, ChangeAuthor, EntryState, ListEntry

_HEAD_ENDS = b"\n\n"
_FOR_GOOD = "-"


@dataclass(frozen=True, kw_only=True)
class SnapshotText:
    """A parsed snapshot."""

    origins: tuple[ChangeAuthor, ...] = ()
    rows: tuple[str, ...] = ()

    def leases(self) -> Iterator[tuple[str, int]]:
        """Yield each entry with the end of its lease; 0 if it is not listed."""
        for row in self.rows:
            entry, until, _, _ = row.split("\t")
            yield entry, int(FOREVER) if until == _FOR_GOOD else int(until)

    def standings(self) -> Iterator[EntryState]:
        """Yield the state of each entry."""
        return (_parse_row(row, self.origins) for row in self.rows)


def parse_snapshot(content: bytes) -> SnapshotText:
    """Return the snapshot that `print_snapshot` printed."""
    head, _, rows = content.partition(_HEAD_ENDS)
    return SnapshotText(origins=_parse_origins(head), rows=tuple(rows.decode().split("\n")[:-1]))


def print_snapshot(snapshot: SnapshotText) -> bytes:
    """Return a snapshot's bytes."""
    head = "".join(f"{its.author}\t{its.at}\t{its.reason}\n" for its in snapshot.origins)
    return f"{head or chr(10)}\n{''.join(f'{row}{chr(10)}' for row in snapshot.rows)}".encode()


def find_standing(content: bytes, entry: str) -> EntryState | None:
    """Return the state of an entry in a snapshot's bytes, None if it was never changed."""
    begin = content.find(f"\n{entry}\t".encode(), content.find(_HEAD_ENDS))
    if begin < 0:
        return None
    row = content[begin + 1 : content.index(b"\n", begin + 1)].decode()
    return _parse_row(row, _parse_origins(content.partition(_HEAD_ENDS)[0]))


def fold(
    base: SnapshotText,
    said: Iterable[tuple[ChangeAuthor, Iterable[ListEntry]]],
    *,
    is_kept: Callable[[ListEntry], bool],
) -> SnapshotText:
    """Return a snapshot with the last change of each entry; what need not be kept is left out."""
    origins = list(base.origins)
    latest: dict[str, tuple[ListEntry, int]] = {}
    for origin, words in said:
        latest.update((word.entry, (word, len(origins))) for word in words)
        origins.append(_clean(origin))
    old = _select_rows(base.rows, latest, is_kept)
    new = (_print_row(word, number) for word, number in latest.values() if is_kept(word))
    return _renumber(SnapshotText(origins=tuple(origins), rows=(*old, *new)))


def _select_rows(
    rows: Iterable[str], latest: Collection[str], is_kept: Callable[[ListEntry], bool]
) -> Iterator[str]:
    for row in rows:
        entry, _, rest = row.partition("\t")
        if entry in latest:
            continue
        if not rest.startswith(_FOR_GOOD):
            until, strikes, _ = rest.split("\t")
            if not is_kept(ListEntry(entry=entry, until=float(until), strikes=int(strikes))):
                continue
        yield row


def _renumber(snapshot: SnapshotText) -> SnapshotText:
    """Leave out origins without remaining entries."""
    used = sorted({int(row.rpartition("\t")[2]) for row in snapshot.rows})
    if len(used) == len(snapshot.origins):
        return snapshot
    numbers = {str(old): str(new) for new, old in enumerate(used)}
    parts = (row.rpartition("\t") for row in snapshot.rows)
    return SnapshotText(
        origins=tuple(snapshot.origins[number] for number in used),
        rows=tuple(f"{before}\t{numbers[origin]}" for before, _, origin in parts),
    )


def _print_row(word: ListEntry, origin: int) -> str:
    until = _FOR_GOOD if word.until >= FOREVER else str(int(word.until))
    return f"{word.entry}\t{until}\t{word.strikes}\t{origin}"


def _parse_row(row: str, origins: tuple[ChangeAuthor, ...]) -> EntryState:
    entry, until, strikes, origin = row.split("\t")
    ends = FOREVER if until == _FOR_GOOD else float(until)
    return EntryState(
        word=ListEntry(entry=entry, until=ends, strikes=int(strikes)), origin=origins[int(origin)]
    )


def _clean(origin: ChangeAuthor) -> ChangeAuthor:
    """Encode an origin on one line."""
    author, reason = (" ".join(text.split()) for text in (origin.author, origin.reason))
    return ChangeAuthor(author=author, reason=reason, at=origin.at)


def _parse_origins(head: bytes) -> tuple[ChangeAuthor, ...]:
    parts = (line.split("\t", 2) for line in head.decode().split("\n") if line)
    return tuple(ChangeAuthor(author=author, reason=reason, at=float(at)) for author, at, reason in parts)
