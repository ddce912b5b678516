"""Signatures: a known key vouches for a release. Stored beside its manifest; a release may have several."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NewType, Protocol

from handshake.core.digest import Digest

KeyId = NewType("KeyId", str)
"""16 hexadecimal digits, derived from the public key."""


@dataclass(frozen=True, kw_only=True)
class Signature:
    """One key's signature of one release."""

    key: KeyId
    value: bytes
    """The raw signature of `signed_text`, without framing: any program can verify it."""


@dataclass(frozen=True, kw_only=True)
class KeyPair:
    """A new key, both halves as PEM."""

    id: KeyId
    public: str
    private: str = field(repr=False)


class SignatureScheme(Protocol):
    """Makes keys, signs and verifies; pure except for the randomness of new keys."""

    def make_pair(self) -> KeyPair:
        """Return a new key."""
        ...

    def sign(self, private: str, text: bytes) -> bytes:
        """Return the signature over a text; ValueError where `private` is no key."""
        ...

    def is_signed(self, public: str, text: bytes, value: bytes) -> bool:
        """Return whether the signature over this very text was made by the other half of `public`."""
        ...


def signed_text(release: Digest) -> bytes:
    """Return what is signed of a release: its id says everything, the words before it keep it to this one use."""
    return f"handshake release {release}\n".encode()
