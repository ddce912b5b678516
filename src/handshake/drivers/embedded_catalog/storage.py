"""The SQLite file: its tables, and one connection each for the writer thread and for readers."""

from __future__ import annotations

import fcntl
import os
import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from handshake.core.errors import RefusedError

T = TypeVar("T")

_SURROGATES = range(0xD800, 0xE000)
"""Code points that are no characters."""

_SCHEMA_VERSION = 1
# Flags are text because they are unsigned numbers of 64 bits, and SQLite's integers are signed.
_SCHEMA = """
CREATE TABLE counters (
    name TEXT PRIMARY KEY,
    value INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
INSERT INTO counters VALUES ('index', 1), ('floor', 1);

CREATE TABLE topics (
    topic TEXT PRIMARY KEY,
    modify_index INTEGER NOT NULL,
    gone INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
CREATE INDEX topics_gone ON topics (modify_index) WHERE gone;

CREATE TABLE entries (
    key TEXT PRIMARY KEY,
    value BLOB NOT NULL,
    flags TEXT NOT NULL,
    session TEXT NOT NULL,
    lock_index INTEGER NOT NULL,
    create_index INTEGER NOT NULL,
    modify_index INTEGER NOT NULL
) STRICT;
CREATE INDEX entries_held ON entries (session) WHERE session <> '';

CREATE TABLE sessions (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    behavior TEXT NOT NULL,
    ttl TEXT NOT NULL,
    lock_delay REAL NOT NULL,
    checks TEXT NOT NULL,
    create_index INTEGER NOT NULL
) STRICT;

CREATE TABLE services (
    id TEXT PRIMARY KEY,
    name TEXT NOT NULL,
    definition TEXT NOT NULL,
    create_index INTEGER NOT NULL,
    modify_index INTEGER NOT NULL
) STRICT;
CREATE INDEX services_by_name ON services (name);

CREATE TABLE checks (
    id TEXT PRIMARY KEY,
    service_id TEXT NOT NULL,
    definition TEXT NOT NULL,
    status TEXT NOT NULL,
    output TEXT NOT NULL,
    create_index INTEGER NOT NULL,
    modify_index INTEGER NOT NULL
) STRICT;
CREATE INDEX checks_by_service ON checks (service_id);
"""


class Storage:
    """The catalogue's directory, held by one process at a time."""

    def __init__(self, directory: Path) -> None:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._lock = _hold(directory)
        self._path = directory / "catalogue.sqlite"
        self.writer = self._connect()
        _create_tables(self.writer)
        self._reader = self._connect()

    def read(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Answer `question` from one consistent view of what is committed."""
        self._reader.execute("BEGIN")
        try:
            return question(self._reader)
        finally:
            self._reader.execute("ROLLBACK")

    def close(self) -> None:
        """Close both connections and let go of the directory."""
        self._reader.close()
        self.writer.close()
        os.close(self._lock)

    def _connect(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self._path, isolation_level=None, check_same_thread=False)
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        return connection


def prefix_bounds(prefix: str) -> tuple[str, str | bytes]:
    """Return bounds `low <= text < high` that hold for exactly the texts that start with `prefix`."""
    stem = prefix.rstrip("\U0010ffff")
    if not stem:
        return prefix, b""  # in SQLite every blob is greater than every text
    successor = ord(stem[-1]) + 1
    if successor in _SURROGATES:
        successor = _SURROGATES.stop
    return prefix, stem[:-1] + chr(successor)


def _hold(directory: Path) -> int:
    """Lock the directory: two writers would hand out the same index twice."""
    handle = os.open(directory / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        os.close(handle)
        raise RefusedError(
            f"{directory} is in use by another catalogue",
            hint="Stop it first, or use another directory.",
        ) from error
    return handle


def _create_tables(connection: sqlite3.Connection) -> None:
    (version,) = connection.execute("PRAGMA user_version").fetchone()
    if version == 0:
        connection.executescript(f"BEGIN; {_SCHEMA} PRAGMA user_version = {_SCHEMA_VERSION}; COMMIT;")
    elif version != _SCHEMA_VERSION:
        raise RefusedError(
            f"the catalogue's file has format {version}; this program reads format {_SCHEMA_VERSION}",
            hint="Start the version of Handshake that wrote it.",
        )
