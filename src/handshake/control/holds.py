"""Holds as they lie in the catalogue: an operator pauses a service's rollouts, and lets them go on."""

from __future__ import annotations

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entry import Delete, Entry, Put
from handshake.catalog.keys import HOLDS, hold_key
from handshake.control.journal import journal_write
from handshake.core.clock import Clock
from handshake.core.errors import RefusedError
from handshake.fleet.hold import Hold


class Holds:
    """Reads, sets and lifts holds; every change leaves its journal record in the same transaction."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def all(self) -> dict[str, Hold]:
        """Return the holds that stand, by service; those that have ended are left out."""
        now = self._clock.now()
        holds = (decode(Hold, entry.value) for entry in self._catalog.read(HOLDS).entries)
        return {hold.service: hold for hold in holds if hold.is_active(now)}

    def pause(self, service: str, *, owner: str, reason: str, seconds: float | None) -> Hold:
        """Leave a service's fleet as it is, for a time or until resumed; the newest word holds."""
        now = self._clock.now()
        until = now + seconds if seconds is not None else None
        hold = Hold(service=service, owner=owner, reason=reason, since=now, until=until)
        put = Put(key=hold_key(service), value=encode(hold), if_index=_index(self._entry(service)))
        self._catalog.transact([put, journal_write(owner, f"{service} paused: {reason}", now)])
        return hold

    def resume(self, service: str, *, owner: str, reason: str) -> Hold:
        """Let a service's rollouts go on; return the hold that was lifted. RefusedError where none stands."""
        entry, now = self._entry(service), self._clock.now()
        hold = decode(Hold, entry.value) if entry else None
        if hold is None or not hold.is_active(now):
            raise RefusedError(
                f"{service} is not paused", hint=f"`handshake status {service}` says what it does."
            )
        told = journal_write(owner, f"{service} resumed: {reason}", now)
        # A hold that was set anew meanwhile is somebody's newer word: then this one is refused.
        put = Put(key=hold_key(service), value=encode(hold), if_index=_index(entry))
        self._catalog.transact([put, Delete(key=hold_key(service)), told])
        return hold

    def _entry(self, service: str) -> Entry | None:
        return self._catalog.get(hold_key(service))


def _index(entry: Entry | None) -> int:
    return entry.index if entry else 0
