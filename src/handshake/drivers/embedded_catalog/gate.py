"""The gate: who presents no credential gets nothing but the status endpoints."""

from __future__ import annotations

from starlette.requests import Request
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from handshake.drivers.embedded_catalog.credentials import Credentials, Role

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
    return bool(request.state.role is Role.WRITER)


def _may(request: Request) -> bool:
    if request.method in _READS or request.url.path == _JUDGED_BY_ITS_BODY:
        return request.state.role is not Role.NOBODY
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
