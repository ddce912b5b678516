"""A change: what one request writes. Everything in it carries one index, or there is no index if nothing changed."""

from __future__ import annotations

import sqlite3

from handshake.drivers.embedded_catalog import index
from handshake.drivers.embedded_catalog.deadlines import Deadlines


class Change:
    """The open transaction of one request, at one moment."""

    def __init__(self, *, db: sqlite3.Connection, deadlines: Deadlines, now: float) -> None:
        self.db = db
        self.deadlines = deadlines
        self.now = now
        self.index = index.last_index(db) + 1
        self.touched: dict[str, bool] = {}

    def touch(self, topic: str) -> None:
        """Note that the topic is another one from this index on."""
        self.touched[topic] = False

    def bury(self, topic: str) -> None:
        """Note that the topic ends at this index."""
        self.touched[topic] = True

    def seal(self) -> None:
        """Take the index if anything changed."""
        if self.touched:
            index.record(self.db, self.index, self.touched)
