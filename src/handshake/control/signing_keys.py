"""The keys that may have signed releases, as they lie in the catalogue: made, rotated and revoked by verbs."""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import StrEnum

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entry import Put
from handshake.catalog.keys import SIGNING_KEYS
from handshake.control.journal import journal_write
from handshake.core.clock import Clock
from handshake.core.errors import RefusedError
from handshake.core.signature import KeyId


class KeyState(StrEnum):
    """What a key is good for."""

    ACTIVE = "active"
    """It signs what is published; at most one key does."""
    RETIRED = "retired"
    """It signs nothing more; what it signed is still believed."""
    REVOKED = "revoked"
    """Nothing that it signed is believed."""


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A key's public half and what became of it."""

    id: KeyId
    public: str
    """PEM."""
    state: KeyState
    made_at: float
    changed_by: str
    """Who made it, retired it or revoked it last."""
    changed_at: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class Keyring:
    """Every key that was ever made, the oldest first."""

    keys: tuple[SigningKey, ...] = ()

    @property
    def active(self) -> SigningKey | None:
        """The key that signs, None where none was made, or the last one was revoked."""
        return next((key for key in self.keys if key.state is KeyState.ACTIVE), None)

    def get(self, key: KeyId) -> SigningKey | None:
        """Return a key, None where it is unknown."""
        return next((known for known in self.keys if known.id == key), None)


class SigningKeys:
    """Reads and changes the keyring; every change is one transaction with its journal record."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def ring(self) -> Keyring:
        """Return every key."""
        return self._read()[0]

    def add(self, key: KeyId, public: str, *, who: str, reason: str) -> SigningKey:
        """Make a new key the one that signs, and retire the one that did; ConflictError where two do so at once."""
        ring, index = self._read()
        now = self._clock.now()
        added = SigningKey(
            id=key,
            public=public,
            state=KeyState.ACTIVE,
            made_at=now,
            changed_by=who,
            changed_at=now,
            reason=reason,
        )
        instead = f" instead of {ring.active.id}" if ring.active else ""
        kept = tuple(
            replace(known, state=KeyState.RETIRED, changed_by=who, changed_at=now, reason=reason)
            if known.state is KeyState.ACTIVE
            else known
            for known in ring.keys
        )
        self._write(Keyring(keys=(*kept, added)), index, who, f"key {key} signs{instead}: {reason}")
        return added

    def revoke(self, key: KeyId, *, who: str, reason: str) -> SigningKey:
        """Believe nothing that a key signed, for good; RefusedError where it is unknown or revoked already."""
        ring, index = self._read()
        known = ring.get(key)
        if known is None:
            raise RefusedError(f"no key {key} is known", hint="`handshake key ls` shows the keys.")
        if known.state is KeyState.REVOKED:
            raise RefusedError(f"{known.changed_by} revoked key {key} already: {known.reason}")
        now = self._clock.now()
        revoked = replace(known, state=KeyState.REVOKED, changed_by=who, changed_at=now, reason=reason)
        changed = tuple(revoked if each.id == key else each for each in ring.keys)
        self._write(Keyring(keys=changed), index, who, f"key {key} is revoked: {reason}")
        return revoked

    def _read(self) -> tuple[Keyring, int]:
        entry = self._catalog.get(SIGNING_KEYS)
        return (decode(Keyring, entry.value), entry.index) if entry else (Keyring(), 0)

    def _write(self, ring: Keyring, index: int, who: str, what: str) -> None:
        put = Put(key=SIGNING_KEYS, value=encode(ring), if_index=index)
        self._catalog.transact([put, journal_write(who, what, self._clock.now())])
