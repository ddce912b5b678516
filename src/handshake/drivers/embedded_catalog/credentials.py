"""Credentials: who may read and who may write, from a file that only its owner can read."""

from __future__ import annotations

import hmac
import json
import stat
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from handshake.core.errors import RefusedError

_HINT = 'write {"write": "...", "read": "..."} into it, two different secrets, and chmod 600 it'


class Role(Enum):
    """What the holder of a credential may do."""

    NOBODY = auto()
    READER = auto()
    WRITER = auto()


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """The two secrets."""

    write: str
    read: str

    def role_of(self, presented: str) -> Role:
        """Return what the bearer of this secret may do."""
        if _is_same(presented, self.write):
            return Role.WRITER
        return Role.READER if _is_same(presented, self.read) else Role.NOBODY


def load_credentials(path: Path) -> Credentials:
    """Read the file; refuse it when others can read it or a secret is missing."""
    try:
        mode = stat.S_IMODE(path.stat().st_mode)
        content = json.loads(path.read_bytes())
    except (OSError, ValueError) as error:
        raise RefusedError(
            f"the credentials file {path} cannot be read", hint=_HINT, details=str(error)
        ) from error
    if mode & 0o077:
        raise RefusedError(f"the credentials file {path} has mode {mode:04o}: others can read it", hint=_HINT)
    return _parse(path, content)


def _parse(path: Path, content: object) -> Credentials:
    secrets = content if isinstance(content, dict) else {}
    write, read = secrets.get("write"), secrets.get("read")
    if not (isinstance(write, str) and isinstance(read, str) and write and read and write != read):
        raise RefusedError(f"the credentials file {path} does not hold two different secrets", hint=_HINT)
    return Credentials(write=write, read=read)


def _is_same(presented: str, secret: str) -> bool:
    return hmac.compare_digest(presented.encode(errors="surrogateescape"), secret.encode())
