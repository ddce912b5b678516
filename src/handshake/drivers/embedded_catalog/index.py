"""The index: a number that grows with every change, and which index changed each topic last.

A topic is what somebody may watch: `kv/<key>`, `session/<id>`, `service/<name>`, `check/<service name>`. A topic that is
gone keeps its row, so that its end has an index too; the oldest such rows are given up in bulk and leave a floor.
"""

from __future__ import annotations

import sqlite3
from collections.abc import Iterable
from dataclasses import dataclass

from handshake.drivers.embedded_catalog.storage import prefix_bounds

GONE_TOPICS_KEPT = 100_000
_REAP_EVERY = 1_000


@dataclass(frozen=True, kw_only=True)
class Topic:
    """One thing to watch, or everything under a prefix."""

    text: str
    is_prefix: bool = False

    def covers(self, changed: str) -> bool:
        """Return whether a change of the topic `changed` concerns who watches this one."""
        return changed.startswith(self.text) if self.is_prefix else changed == self.text


def last_index(db: sqlite3.Connection) -> int:
    """Return the index of the newest change."""
    return _counter(db, "index")


def index_of(db: sqlite3.Connection, topics: Iterable[Topic]) -> int:
    """Return the index that last changed any of `topics`: never 0, and never going back."""
    return max(
        _index_under(db, topic.text) if topic.is_prefix else _index_at(db, topic.text) for topic in topics
    )


def record(db: sqlite3.Connection, index: int, touched: dict[str, bool]) -> None:
    """Write down that `index` changed these topics; the flag says whether the topic is now gone."""
    db.execute("UPDATE counters SET value = ? WHERE name = 'index'", (index,))
    db.executemany(
        "INSERT OR REPLACE INTO topics VALUES (?, ?, ?)",
        [(topic, index, int(gone)) for topic, gone in touched.items()],
    )
    if index % _REAP_EVERY == 0:
        reap(db, keep=GONE_TOPICS_KEPT)


def reap(db: sqlite3.Connection, *, keep: int) -> None:
    """Forget the older half of the gone topics when there are more than `keep`; the floor stands for them."""
    (count,) = db.execute("SELECT count(*) FROM topics WHERE gone").fetchone()
    if count <= keep:
        return
    newest_forgotten = db.execute(
        "SELECT modify_index FROM topics WHERE gone ORDER BY modify_index LIMIT 1 OFFSET ?",
        (count - keep // 2 - 1,),
    ).fetchone()
    db.execute("DELETE FROM topics WHERE gone AND modify_index <= ?", newest_forgotten)
    db.execute("UPDATE counters SET value = ? WHERE name = 'floor'", newest_forgotten)


def _index_at(db: sqlite3.Connection, topic: str) -> int:
    row = db.execute("SELECT modify_index FROM topics WHERE topic = ?", (topic,)).fetchone()
    return int(row[0]) if row else _counter(db, "floor")


def _index_under(db: sqlite3.Connection, prefix: str) -> int:
    (newest,) = db.execute(
        "SELECT max(modify_index) FROM topics WHERE topic >= ? AND topic < ?", prefix_bounds(prefix)
    ).fetchone()
    return max(newest or 0, _counter(db, "floor"))


def _counter(db: sqlite3.Connection, name: str) -> int:
    (value,) = db.execute("SELECT value FROM counters WHERE name = ?", (name,)).fetchone()
    return int(value)
