"""The key with which a bucket is written: an id and a secret, one text in a secret's file."""

from __future__ import annotations

from dataclasses import dataclass, field

from handshake.core.errors import RefusedError


@dataclass(frozen=True, kw_only=True)
class Credential:
    """An access key."""

    id: str
    secret: str = field(repr=False)


def parse_credential(text: str, region: str) -> Credential:
    """Return the access key that stands in a secret's file as `ID:SECRET`; RefusedError shows nothing of it."""
    key, colon, secret = text.strip().partition(":")
    if not (key and colon and secret):
        raise RefusedError(
            f"the credential of region {region} cannot be read",
            hint="its file holds one line: the access key's id, a colon, and its secret",
        )
    return Credential(id=key, secret=secret)
