"""Ed25519 signatures, by the cryptography library."""
