"""The connections that visitors hold open between requests."""

from __future__ import annotations

from collections import defaultdict, deque
from collections.abc import Callable

from handshake.drills.connection import Connection
from handshake.drills.plan import Habit


class IdleConnections:
    """Open connections without a request, by the visitor's address and habit."""

    def __init__(self, *, rest_seconds: float, monotonic: Callable[[], float]) -> None:
        self._rest_seconds = rest_seconds
        self._monotonic = monotonic
        self._kept: defaultdict[str, deque[Connection]] = defaultdict(deque)
        self._resting: defaultdict[str, deque[tuple[float, Connection]]] = defaultdict(deque)

    def take(self, source: str, habit: Habit) -> Connection | None:
        """Return a connection to use again, None where a new one is needed.

        One that the server has closed meanwhile is dropped here, before anything is sent, as a browser does.
        """
        while connection := self._next(source, habit):
            if not connection.is_spent:
                return connection
            connection.close()
        return None

    def put(self, connection: Connection, source: str, habit: Habit) -> None:
        """Keep a connection after its request if both sides want to use it again; close it otherwise."""
        if not connection.renew():
            connection.close()
        elif habit is Habit.KEEP:
            self._kept[source].append(connection)
        else:
            self._resting[source].append((self._monotonic(), connection))

    def close(self) -> None:
        """Close them all."""
        for kept in self._kept.values():
            while kept:
                kept.pop().close()
        for resting in self._resting.values():
            while resting:
                resting.pop()[1].close()

    def _next(self, source: str, habit: Habit) -> Connection | None:
        match habit:
            case Habit.KEEP:
                kept = self._kept[source]
                # The one used last, so that as few as possible stay busy, as clients do.
                return kept.pop() if kept else None
            case Habit.REST:
                return self._rested(self._resting[source])
            case Habit.CLOSE:
                return None

    def _rested(self, resting: deque[tuple[float, Connection]]) -> Connection | None:
        if resting and self._monotonic() - resting[0][0] >= self._rest_seconds:
            return resting.popleft()[1]
        return None
