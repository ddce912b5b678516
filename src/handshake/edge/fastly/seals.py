"""Keyed digests in Fastly's words, as the door makes them: one key, so that either knows the other's seals."""

from __future__ import annotations

from handshake.edge.fastly.containers import SEAL_KEY, SEALS


def seal(text: str) -> str:
    """Return the expression of a text's HMAC in hexadecimal capitals; the key is in a dictionary that nobody reads.

    The documentation shows digests with `0x` in front of them, and without.
    """
    key = f'table.lookup({SEALS}, "{SEAL_KEY}", "")'
    return f'std.toupper(regsub(digest.hmac_sha256_with_base64_key({key}, {text}), "^0x", ""))'
