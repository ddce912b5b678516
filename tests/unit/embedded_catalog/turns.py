"""The state machine without its thread and its server: one change after the other, at a time that the test sets."""

import sqlite3
from collections.abc import Callable
from pathlib import Path
from typing import TypeVar

from handshake.drivers.embedded_catalog.index import Topic, index_of
from handshake.drivers.embedded_catalog.server import expire, start_deadlines
from handshake.drivers.embedded_catalog.storage import Storage
from handshake.drivers.embedded_catalog.writer import Change, Deadlines

T = TypeVar("T")


class Turns:
    """A catalogue in a directory, and a clock."""

    def __init__(self, directory: Path) -> None:
        self._directory = directory
        self.now = 1000.0
        self._open()

    def write(self, work: Callable[[Change], T]) -> T:
        """Do the work as one change."""
        change = Change(db=self.storage.writer, deadlines=self.deadlines, now=self.now)
        with self.storage.writer:
            self.storage.writer.execute("BEGIN")
            result = work(change)
            change.seal()
        return result

    def read(self, question: Callable[[sqlite3.Connection], T]) -> T:
        """Ask a question."""
        return self.storage.read(question)

    def index(self, *topics: Topic) -> int:
        """Return the index that somebody who watches the topics sees."""
        return self.read(lambda db: index_of(db, topics))

    def wait(self, seconds: float) -> None:
        """Let time pass, and what is due happen."""
        self.now += seconds
        self.write(expire)

    def restart(self) -> None:
        """Stop, and start anew from what is on disk."""
        self.close()
        self._open()
        self.write(start_deadlines)

    def close(self) -> None:
        """Let go of the directory."""
        self.storage.close()

    def _open(self) -> None:
        self.storage = Storage(self._directory)
        self.deadlines = Deadlines()
