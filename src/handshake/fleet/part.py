"""Parts: what a target is put together from, so that a failure can be laid on what changed."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.core.digest import Digest, short
from handshake.core.pointer import Pointer

SECRETS = "secrets"


@dataclass(frozen=True, kw_only=True)
class Part:
    """One pointer's release at one revision, or the secrets: a promotion of the same release is a new part."""

    name: str
    """The pointer's subject (`image/hamm`), or `secrets`."""
    value: str
    """The release, or the secrets' keyed digest."""
    revision: int = 0
    """The pointer's; 0 for secrets, which have none."""

    def __str__(self) -> str:
        return self.name if self.name == SECRETS else f"{self.name} {short(Digest(self.value))}"


@dataclass(frozen=True, kw_only=True)
class BadPart:
    """A part that its trial condemned; it is not tried again."""

    part: Part
    reason: str
    at: float
    """UTC, seconds since the epoch."""


def pointer_part(pointer: Pointer) -> Part:
    """Return the part that a pointer stands for."""
    return Part(name=str(pointer.subject), value=pointer.release, revision=pointer.revision)


def secrets_part(secrets: str) -> Part:
    """Return the part that the secrets are."""
    return Part(name=SECRETS, value=secrets)
