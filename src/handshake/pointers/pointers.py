"""The pointers in the catalogue: moved, reverted and settled by compare-and-swap only."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import CatalogEntry, Operation, Put, Write
from handshake.catalog.journal import journal_write
from handshake.catalog.keys import HISTORY, POINTERS, history_key, pointer_key
from handshake.core.clock import Clock
from handshake.core.digest import Digest, short
from handshake.core.errors import ConflictError
from handshake.core.subject import Subject
from handshake.pointers.pointer import Move, Pointer, move_pointer, settle_pointer

# The pointers in the catalogue: moved, reverted and settled by compare-and-swap only.

_TRIES = 5


class Pointers:
    """Reads and moves pointers; every move writes its history and its journal record in one transaction."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def get(self, subject: Subject) -> Pointer | None:
        """Return a pointer, None if nothing was ever promoted."""
        entry = self._catalog.get(pointer_key(str(subject)))
        return decode(Pointer, entry.value) if entry else None

    def all(self) -> dict[Subject, Pointer]:
        """Return every pointer."""
        return decode_pointers(self._catalog.read(POINTERS).entries)

    def history(self, subject: Subject) -> tuple[Pointer, ...]:
        """Return every value that a pointer has had, newest first."""
        entries = self._catalog.read(f"{HISTORY}{subject}/").entries
        values = (decode(Pointer, entry.value) for entry in entries)
        return tuple(sorted(values, key=lambda pointer: -pointer.revision))

    def move(self, moves: Sequence[Move], *, also: Sequence[Operation] = ()) -> tuple[Pointer, ...]:
        """Move pointers in one transaction; ConflictError if one is no longer at its `from_revision`.

        `also` is carried out in the same transaction: the leader's fence and records.
        """
        tries = _TRIES
        while True:
            moved, operations = self._plan_moves(moves)
            try:
                self._catalog.transact([*also, *operations])
            except ConflictError:
                # Settling changes a pointer's entry but not its revision: then the move is still valid.
                tries -= 1
                if not tries:
                    raise
                continue
            return moved

    def settle(self, pointer: Pointer, *, also: Sequence[Operation] = ()) -> None:
        """Mark the pointer's release as stable, unless the pointer has moved on."""
        today, index = self._read(pointer.subject)
        if today is None or today.revision != pointer.revision or today.stable == today.release:
            return
        settled = settle_pointer(today)
        put = Put(key=pointer_key(str(pointer.subject)), value=encode(settled), if_index=index)
        self._catalog.transact([*also, put])

    def move_back(
        self, pointer: Pointer, *, to: Digest, who: str, why: str, also: Sequence[Operation] = ()
    ) -> Pointer | None:
        """Move a pointer to an earlier release; None if it has moved on in the meantime: the newest wins."""
        wish = Move(
            subject=pointer.subject,
            release=to,
            from_revision=pointer.revision,
            moved_by=who,
            reason=why,
            is_urgent=True,
        )
        try:
            return self.move([wish], also=also)[0]
        except ConflictError:
            return None

    def _plan_moves(self, moves: Sequence[Move]) -> tuple[tuple[Pointer, ...], list[Operation]]:
        now = self._clock.now()
        moved: list[Pointer] = []
        operations: list[Operation] = []
        for wish in moves:
            today, index = self._read(wish.subject)
            _require_revision(wish, today)
            pointer = move_pointer(today, wish, now, history=self.history(wish.subject))
            moved.append(pointer)
            operations += [
                Put(key=pointer_key(str(wish.subject)), value=encode(pointer), if_index=index),
                Write(key=history_key(str(wish.subject), pointer.revision), value=encode(pointer)),
            ]
        operations.append(journal_write(moves[0].moved_by, "; ".join(map(_tell, moved)), now))
        return tuple(moved), operations

    def _read(self, subject: Subject) -> tuple[Pointer | None, int]:
        entry = self._catalog.get(pointer_key(str(subject)))
        return (decode(Pointer, entry.value), entry.index) if entry else (None, 0)


def decode_pointers(entries: Iterable[CatalogEntry]) -> dict[Subject, Pointer]:
    """Return the pointers in these entries, by subject."""
    pointers = (decode(Pointer, entry.value) for entry in entries)
    return {pointer.subject: pointer for pointer in pointers}


def _require_revision(wish: Move, today: Pointer | None) -> None:
    revision = today.revision if today else 0
    if revision != wish.from_revision:
        who = f" by {today.moved_by}: {today.reason}" if today else ""
        raise ConflictError(
            f"{wish.subject} is at revision {revision}, not {wish.from_revision}: it was moved{who}",
            hint="Check `handshake history`, then decide again.",
        )


def _tell(pointer: Pointer) -> str:
    return f"{pointer.subject} -> {short(pointer.release)} (revision {pointer.revision}): {pointer.reason}"
