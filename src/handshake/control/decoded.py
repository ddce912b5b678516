"""What a snapshot of the catalogue says, decoded once: loops ask for it many times a second."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from handshake.catalog.entry import Entry, Snapshot

Value = TypeVar("Value")


class Decoded(Generic[Value]):
    """The last snapshot's value, kept until a feed brings another snapshot."""

    def __init__(self, decode: Callable[[Iterable[Entry]], Value]) -> None:
        self._decode = decode
        self._last: tuple[Snapshot, Value] | None = None

    def read(self, snapshot: Snapshot) -> Value:
        """Return what a snapshot says; nobody may change it."""
        last = self._last
        if last is None or last[0] is not snapshot:
            last = self._last = (snapshot, self._decode(snapshot.entries))
        return last[1]
