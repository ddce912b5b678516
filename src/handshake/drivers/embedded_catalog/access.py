"""Who may read and who may write: credentials, and the check of each request."""

from __future__ import annotations

import hmac
import json
import stat
from dataclasses import dataclass
from enum import Enum, auto
from pathlib import Path

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from handshake.core.errors import RefusedError

_HINT = 'Write {"write": "...", "read": "..."} to it, with two different secrets, and run `chmod 600` on it.'


class CredentialRole(Enum):
    """What the holder of a credential may do."""

    NOBODY = auto()
    READER = auto()
    WRITER = auto()


@dataclass(frozen=True, kw_only=True)
class Credentials:
    """The two secrets."""

    write: str
    read: str

    def role_of(self, presented: str) -> CredentialRole:
        """Return what the bearer of this secret may do."""
        if _is_same(presented, self.write):
            return CredentialRole.WRITER
        return CredentialRole.READER if _is_same(presented, self.read) else CredentialRole.NOBODY


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
        raise RefusedError(f"the credentials file {path} does not contain two different secrets", hint=_HINT)
    return Credentials(write=write, read=read)


def _is_same(presented: str, secret: str) -> bool:
    return hmac.compare_digest(presented.encode(errors="surrogateescape"), secret.encode())


# The gate: who presents no credential gets nothing but the status endpoints.

_OPEN = "/v1/status/"
_READS = {"GET", "HEAD"}
_JUDGED_BY_ITS_BODY = "/v1/txn"
"""A transaction is a PUT even when it only reads; its route asks `may_write` itself."""


class Gate:
    """Judges each request before any route sees it."""

    def __init__(self, app: ASGIApp, *, credentials: Credentials) -> None:
        self._app = app
        self._credentials = credentials

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Let the request pass, or answer as Consul does."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        request.state.role = self._credentials.role_of(_presented(request))
        passes = request.url.path.startswith(_OPEN) or _may(request)
        answer = self._app if passes else PlainTextResponse("Permission denied", status_code=403)
        await answer(scope, receive, send)


def may_write(request: Request) -> bool:
    """Return whether the request carries the credential that writes."""
    return bool(request.state.role is CredentialRole.WRITER)


def _may(request: Request) -> bool:
    if request.method in _READS or request.url.path == _JUDGED_BY_ITS_BODY:
        return request.state.role is not CredentialRole.NOBODY
    return may_write(request)


def _presented(request: Request) -> str:
    """Return the secret, from the first of the three places where Consul looks for it."""
    scheme, _, bearer = request.headers.get("authorization", "").partition(" ")
    places = (
        request.query_params.get("token"),
        request.headers.get("x-consul-token"),
        bearer.strip() if scheme.lower() == "bearer" else None,
    )
    return next((secret for secret in places if secret), "")
