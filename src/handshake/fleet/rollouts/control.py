"""Operators' control of a rollout: pause, resume, abort."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import CatalogEntry, Delete, Put
from handshake.catalog.journal import journal_write
from handshake.catalog.keys import HOLDS, hold_key, rollout_key
from handshake.core.clock import Clock
from handshake.core.errors import RefusedError
from handshake.core.subject import Kind, Subject
from handshake.fleet.engine.fleet import way_back
from handshake.fleet.engine.state import Hold, Rollout
from handshake.fleet.generations import GenerationReader
from handshake.fleet.instance import Generation
from handshake.pointers.pointer import Move, Pointer
from handshake.pointers.pointers import Pointers

# Holds as they lie in the catalogue: an operator pauses a service's rollouts, and lets them go on.


class Holds:
    """Reads, sets and lifts holds; every change writes its journal record in the same transaction."""

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
                f"{service} is not paused", hint=f"`handshake status {service}` shows its state."
            )
        told = journal_write(owner, f"{service} resumed: {reason}", now)
        # A hold that was set again meanwhile is somebody's newer word: then this one is refused.
        put = Put(key=hold_key(service), value=encode(hold), if_index=_index(entry))
        self._catalog.transact([put, Delete(key=hold_key(service)), told])
        return hold

    def _entry(self, service: str) -> CatalogEntry | None:
        return self._catalog.get(hold_key(service))


def _index(entry: CatalogEntry | None) -> int:
    return entry.index if entry else 0


@dataclass(frozen=True, kw_only=True)
class Rollouts:
    """Controls rollouts for an operator. Works while the control plane is down: the leader obeys once it is back."""

    who: str
    catalog: Catalog
    pointers: Pointers
    targets: GenerationReader
    holds: Holds

    def pause(self, service: str, *, reason: str, seconds: float | None) -> Hold:
        """Replace nothing but what crashes, for a time or until resumed."""
        self._require(service)
        return self.holds.pause(service, owner=self.who, reason=reason, seconds=seconds)

    def resume(self, service: str, *, reason: str) -> Hold:
        """Let rollouts go on; return the hold that was lifted."""
        return self.holds.resume(service, owner=self.who, reason=reason)

    def abort(self, service: str, *, reason: str) -> tuple[Pointer, ...]:
        """Send every pointer that left the stable generation back to it, in one transaction.

        The engine then takes the trial away and replaces what was replaced already. RefusedError where
        nothing is on its way, or where there is nothing to go back to.
        """
        stable = self._stable(service)
        moves = [
            Move(
                subject=pointer.subject,
                release=back,
                from_revision=pointer.revision,
                moved_by=self.who,
                reason=f"aborted: {reason}",
                is_urgent=True,
            )
            for pointer in self._pointers_of(service)
            if (back := way_back(pointer, stable)) and pointer.release != back
        ]
        if not moves:
            raise RefusedError(
                f"{service} already runs what its pointers name; there is nothing to abort",
                hint=f"`handshake rollback image/{service}` goes back further.",
            )
        return self.pointers.move(moves)

    def _stable(self, service: str) -> Generation:
        entry = self.catalog.get(rollout_key(service))
        stable = decode(Rollout, entry.value).stable if entry else None
        if stable is None:
            raise RefusedError(
                f"{service} has no release to revert to: none has passed a trial yet",
                hint="Promote another release.",
            )
        return stable

    def _pointers_of(self, service: str) -> tuple[Pointer, ...]:
        pointers = self.pointers.all()
        contract = self.targets.contract(service, pointers)
        templates = self.targets.templates(contract, pointers) if contract else None
        image = self._require(service)
        return (image, templates) if templates else (image,)

    def _require(self, service: str) -> Pointer:
        """Return the service's image pointer; RefusedError where nothing was ever promoted."""
        pointer = self.pointers.get(Subject(kind=Kind.IMAGE, name=service))
        if pointer is None:
            raise RefusedError(
                f"service {service} was never promoted", hint="`handshake status` shows every service."
            )
        return pointer
