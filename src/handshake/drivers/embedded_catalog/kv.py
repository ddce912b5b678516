"""Keys and values. Writing the existing value changes nothing, not even an index."""

from __future__ import annotations

import sqlite3
from dataclasses import dataclass, replace

from handshake.drivers.embedded_catalog.index import Topic
from handshake.drivers.embedded_catalog.storage import prefix_bounds
from handshake.drivers.embedded_catalog.writer import Change

_COLUMNS = "key, value, flags, session, lock_index, create_index, modify_index"


@dataclass(frozen=True, kw_only=True)
class KVDraft:
    """What a client wants to stand at a key."""

    key: str
    value: bytes
    flags: int


@dataclass(frozen=True, kw_only=True)
class KVEntry:
    """What stands at a key."""

    key: str
    value: bytes
    flags: int
    session: str
    """Who holds the lock on it; empty: nobody."""
    lock_index: int
    """How often it was locked."""
    create_index: int
    modify_index: int


def key_topic(key: str) -> Topic:
    """Return what changes when the key does."""
    return Topic(text=f"kv/{key}")


def tree_topic(prefix: str) -> Topic:
    """Return what changes when any key under the prefix does."""
    return Topic(text=f"kv/{prefix}", is_prefix=True)


def read_entry(db: sqlite3.Connection, key: str) -> KVEntry | None:
    """Return the entry at `key`, if there is one."""
    row = db.execute(f"SELECT {_COLUMNS} FROM entries WHERE key = ?", (key,)).fetchone()  # noqa: S608 -- a constant
    return _entry(row) if row else None


def read_tree(db: sqlite3.Connection, prefix: str) -> list[KVEntry]:
    """Return the entries under `prefix`, ordered by key."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM entries WHERE key >= ? AND key < ? ORDER BY key",  # noqa: S608 -- a constant
        prefix_bounds(prefix),
    )
    return [_entry(row) for row in rows]


def read_keys(db: sqlite3.Connection, prefix: str, separator: str) -> list[str]:
    """Return the keys under `prefix`, each cut after the first separator behind it; no separator cuts nothing."""
    rows = db.execute(
        "SELECT key FROM entries WHERE key >= ? AND key < ? ORDER BY key", prefix_bounds(prefix)
    )
    return list(dict.fromkeys(_cut(key, len(prefix), separator) for (key,) in rows))


def read_held(db: sqlite3.Connection, session: str) -> list[KVEntry]:
    """Return the entries that a session has locked."""
    rows = db.execute(
        f"SELECT {_COLUMNS} FROM entries WHERE session = ? AND session <> ''",  # noqa: S608 -- a constant
        (session,),
    )
    return [_entry(row) for row in rows]


def drafted(change: Change, draft: KVDraft) -> KVEntry:
    """Return what would stand at the key with the draft over what is there now; a lock on it stays."""
    before = read_entry(change.db, draft.key) or KVEntry(
        key=draft.key,
        value=b"",
        flags=0,
        session="",
        lock_index=0,
        create_index=change.index,
        modify_index=0,
    )
    return replace(before, value=draft.value, flags=draft.flags)


def store(change: Change, wanted: KVEntry) -> KVEntry:
    """Write the entry, with this change's index unless exactly this stands there already."""
    if wanted == read_entry(change.db, wanted.key):
        return wanted
    entry = replace(wanted, modify_index=change.index)
    change.db.execute("INSERT OR REPLACE INTO entries VALUES (?, ?, ?, ?, ?, ?, ?)", _row(entry))
    change.touch(key_topic(entry.key).text)
    return entry


def put(change: Change, draft: KVDraft) -> KVEntry:
    """Let the draft stand at its key."""
    return store(change, drafted(change, draft))


def check_and_set(change: Change, draft: KVDraft, expected: int) -> KVEntry | None:
    """Put the draft if the key's modify index is `expected` (0: if there is no such key); None: it is not."""
    wanted = drafted(change, draft)
    return store(change, wanted) if wanted.modify_index == expected else None


def delete(change: Change, key: str) -> None:
    """Remove the key, if it is there."""
    if change.db.execute("DELETE FROM entries WHERE key = ?", (key,)).rowcount:
        change.bury(key_topic(key).text)


def delete_tree(change: Change, prefix: str) -> None:
    """Remove every key under `prefix`."""
    for key in read_keys(change.db, prefix, separator=""):
        delete(change, key)


def check_and_delete(change: Change, key: str, expected: int) -> bool:
    """Remove the key if its modify index is `expected`; a key that is not there counts as removed."""
    before = read_entry(change.db, key)
    if before is None:
        return True
    if before.modify_index != expected:
        return False
    delete(change, key)
    return True


def _cut(key: str, start: int, separator: str) -> str:
    end = key.find(separator, start) if separator else -1
    return key if end < 0 else key[: end + len(separator)]


def _entry(row: tuple[str, bytes, str, str, int, int, int]) -> KVEntry:
    key, value, flags, session, lock_index, create_index, modify_index = row
    return KVEntry(
        key=key,
        value=value,
        flags=int(flags),
        session=session,
        lock_index=lock_index,
        create_index=create_index,
        modify_index=modify_index,
    )


def _row(entry: KVEntry) -> tuple[str, bytes, str, str, int, int, int]:
    return (
        entry.key,
        entry.value,
        str(entry.flags),
        entry.session,
        entry.lock_index,
        entry.create_index,
        entry.modify_index,
    )
