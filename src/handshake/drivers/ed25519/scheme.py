"""Ed25519 as the scheme of signatures."""

from __future__ import annotations

import hashlib

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
    load_pem_private_key,
    load_pem_public_key,
)

from handshake.release.signature import KeyId, KeyPair

_ID_DIGITS = 16


class Ed25519:
    """Makes keys, signs and verifies; `openssl pkeyutl -rawin` reads all that it writes."""

    def make_pair(self) -> KeyPair:
        """Return a new key; its id is the beginning of the public half's SHA-256."""
        private = Ed25519PrivateKey.generate()
        public = private.public_key()
        return KeyPair(
            id=KeyId(hashlib.sha256(public.public_bytes_raw()).hexdigest()[:_ID_DIGITS]),
            public=public.public_bytes(Encoding.PEM, PublicFormat.SubjectPublicKeyInfo).decode(),
            private=private.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption()).decode(),
        )

    def sign(self, private: str, text: bytes) -> bytes:
        """Return the 64 bytes of the signature over a text; ValueError where `private` is no Ed25519 key."""
        key = load_pem_private_key(private.encode(), password=None)
        if not isinstance(key, Ed25519PrivateKey):
            raise ValueError("this is a private key, but not an Ed25519 key")  # noqa: TRY004 -- a text's content
        return key.sign(text)

    def is_signed(self, public: str, text: bytes, value: bytes) -> bool:
        """Return whether the signature over this very text was made by the other half of `public`."""
        key = load_pem_public_key(public.encode())
        if not isinstance(key, Ed25519PublicKey):
            return False
        try:
            key.verify(value, text)
        except InvalidSignature:
            return False
        return True
