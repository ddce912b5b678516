"""What a snapshot says, decoded once."""

from __future__ import annotations

from collections.abc import Iterable

from handshake.catalog.entries import CatalogEntry, Snapshot
from handshake.catalog.feed import Decoded


def test_a_snapshot_is_decoded_once_and_the_next_one_anew() -> None:
    """Asked again about one snapshot, the value is the one of before; another snapshot has its own."""
    decoded: list[str] = []

    def decode(entries: Iterable[CatalogEntry]) -> str:
        decoded.append("".join(entry.key for entry in entries))
        return decoded[-1]

    first, second = (
        Snapshot(index=index, entries=(CatalogEntry(key=key, value=b"", index=index),))
        for index, key in enumerate("ab")
    )
    known = Decoded(decode)

    assert [known.read(each) for each in (first, first, second, second)] == ["a", "a", "b", "b"]
    assert decoded == ["a", "b"]
