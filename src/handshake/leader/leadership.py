"""Leadership: a lock in the catalogue, held by a session; all of the leader's writes are fenced by it."""

from __future__ import annotations

from handshake.catalog.catalog import Catalog
from handshake.catalog.entries import HeldLock
from handshake.catalog.keys import LEADER
from handshake.core.errors import HandshakeError

SESSION_SECONDS = 10.0


class Leadership:
    """Acquires and keeps the lock. Call `keep` more often than every SESSION_SECONDS."""

    def __init__(self, catalog: Catalog, name: str) -> None:
        self._catalog = catalog
        self._name = name
        self._session = ""
        self.is_held = False

    def keep(self) -> bool:
        """Renew or acquire the lock; False if another process leads."""
        if not self._session or not self._catalog.renew_session(self._session):
            self._session = self._catalog.open_session("leader", SESSION_SECONDS)
        self.is_held = self._catalog.acquire(LEADER, self._name.encode(), self._session)
        return self.is_held

    def fence(self) -> HeldLock:
        """Return the operation that lets a transaction succeed only while this process leads."""
        return HeldLock(key=LEADER, session=self._session)

    def give_up(self) -> None:
        """Release the lock at once, so that the next leader need not wait for the session to expire."""
        if not self._session:
            return
        try:
            self._catalog.close_session(self._session)
        except HandshakeError:
            return
