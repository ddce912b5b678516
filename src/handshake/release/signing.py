"""Signing keys in the catalogue, signing of releases, and verification at launch."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import Put
from handshake.catalog.journal import journal_write
from handshake.catalog.keys import SIGNING_KEYS
from handshake.config.secrets import Secrets
from handshake.core.clock import Clock
from handshake.core.digest import Digest, short
from handshake.core.errors import RefusedError, UnavailableError
from handshake.release.signature import KeyId, Signature, SignatureScheme, signed_text

# The keys that may have signed releases, as they lie in the catalogue: made, rotated and revoked by verbs.


class KeyState(StrEnum):
    """The state of a key."""

    ACTIVE = "active"
    """It signs releases; at most one key does."""
    RETIRED = "retired"
    """It signs nothing more; its signatures are still accepted."""
    REVOKED = "revoked"
    """None of its signatures are accepted."""


@dataclass(frozen=True, kw_only=True)
class SigningKey:
    """A key's public half and its state."""

    id: KeyId
    public: str
    """PEM."""
    state: KeyState
    made_at: float
    changed_by: str
    """Who last created, retired or revoked it."""
    changed_at: float
    reason: str


@dataclass(frozen=True, kw_only=True)
class Keyring:
    """Every key ever made, oldest first."""

    keys: tuple[SigningKey, ...] = ()

    @property
    def active(self) -> SigningKey | None:
        """The key that signs, None if none was made, or the last one was revoked."""
        return next((key for key in self.keys if key.state is KeyState.ACTIVE), None)

    def get(self, key: KeyId) -> SigningKey | None:
        """Return a key, None if it is unknown."""
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
            raise RefusedError(f"there is no key {key}", hint="`handshake key ls` shows the keys.")
        if known.state is KeyState.REVOKED:
            raise RefusedError(f"{known.changed_by} already revoked key {key}: {known.reason}")
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


_PUBLISH_AGAIN = "Publish it again: it is then signed with the current key, and stays the same release."


class Signer:
    """Makes keys and signs with the active one; private halves are secrets of this campaign."""

    def __init__(self, keys: SigningKeys, secrets: Secrets, scheme: SignatureScheme) -> None:
        self._keys = keys
        self._secrets = secrets
        self._scheme = scheme

    def make_first(self, *, who: str, reason: str) -> SigningKey:
        """Make a key; RefusedError where one signs already."""
        if active := self._keys.ring().active:
            raise RefusedError(
                f"key {active.id} is already active", hint="`handshake key rotate` replaces it."
            )
        return self._make(who, reason)

    def rotate(self, *, who: str, reason: str) -> SigningKey:
        """Let a new key sign from now on; the old one's private half is destroyed, its signatures stay good."""
        before = self._keys.ring().active
        made = self._make(who, reason)
        if before:
            self._secrets.destroy(_secret(before.id))
        return made

    def revoke(self, key: KeyId, *, who: str, reason: str) -> SigningKey:
        """Believe nothing that a key signed, and destroy its private half."""
        revoked = self._keys.revoke(key, who=who, reason=reason)
        self._secrets.destroy(_secret(key))
        return revoked

    def sign(self, release: Digest) -> Signature:
        """Return the active key's signature of a release; RefusedError where there is none, or not here."""
        active = self._keys.ring().active
        if active is None:
            raise RefusedError("there is no key to sign with", hint="`handshake key make` creates one.")
        if not self._secrets.has(_secret(active.id)):
            raise RefusedError(
                f"the private half of key {active.id} is not on this machine",
                hint="Publish on the machine that has it, or run `handshake key rotate` here.",
            )
        value = self._scheme.sign(self._secrets.read(_secret(active.id)), signed_text(release))
        return Signature(key=active.id, value=value)

    def _make(self, who: str, reason: str) -> SigningKey:
        pair = self._scheme.make_pair()
        # The private half first: a key that is known but cannot sign would stop every publish.
        self._secrets.write(_secret(pair.id), pair.private)
        return self._keys.add(pair.id, pair.public, who=who, reason=reason)


class SignatureVerifier:
    """Decides whether a known key vouches for a release."""

    def __init__(
        self,
        *,
        read_ring: Callable[[], Keyring],
        read_signatures: Callable[[Digest], Sequence[Signature]],
        scheme: SignatureScheme,
    ) -> None:
        self._read_ring = read_ring
        self._read_signatures = read_signatures
        self._scheme = scheme
        self._seen: dict[Digest, tuple[Signature, ...]] = {}

    def require_signed(self, release: Digest) -> None:
        """Raise RefusedError, with what is wrong with each signature, unless a believed key signed the release."""
        ring = self._read_ring()
        faults = [self._fault(release, signature, ring) for signature in self._signatures(release)]
        if not faults:
            raise RefusedError(f"release {short(release)} has no signature", hint=_PUBLISH_AGAIN)
        if all(faults):
            told = "; ".join(faults)
            raise RefusedError(f"release {short(release)} is not signed: {told}", hint=_PUBLISH_AGAIN)

    def rely_on(self, key: KeyId, releases: Iterable[Digest]) -> tuple[Digest, ...]:
        """Return those releases for which no other key than this one vouches."""
        ring = self._read_ring()
        return tuple(
            release
            for release in releases
            if not any(
                not self._fault(release, signature, ring)
                for signature in self._signatures(release)
                if signature.key != key
            )
        )

    def _signatures(self, release: Digest) -> tuple[Signature, ...]:
        """Return a release's signatures; what was seen of them last while no region answers."""
        try:
            self._seen[release] = tuple(self._read_signatures(release))
        except UnavailableError:
            if release not in self._seen:
                raise
        return self._seen[release]

    def _fault(self, release: Digest, signature: Signature, ring: Keyring) -> str:
        """Return why a signature is not believed; empty if it is."""
        key = ring.get(signature.key)
        if key is None:
            return f"key {signature.key} is unknown here"
        if key.state is KeyState.REVOKED:
            return f"{key.changed_by} revoked key {key.id}: {key.reason}"
        if not self._scheme.is_signed(key.public, signed_text(release), signature.value):
            return f"the signature was not made by key {key.id}, which it names"
        return ""


def _secret(key: KeyId) -> str:
    return f"signing-{key}"
