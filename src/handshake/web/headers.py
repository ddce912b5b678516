"""What every answer carries, and which requests are answered at all: the dashboard reads, and shows itself alone."""

from __future__ import annotations

from http import HTTPStatus

from starlette.datastructures import MutableHeaders
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    # The icon is drawn in the page itself, so that it can show how things stand.
    "Content-Security-Policy": "default-src 'self'; img-src 'self' data:; base-uri 'none'; form-action 'none'; "
    "frame-ancestors 'none'",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Cache-Control": "no-store",
}

_METHODS = ("GET", "HEAD")


class ReadOnly:
    """Refuses every method that could ask for a change, and gives every answer its headers."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Answer one request."""

        async def send_with_headers(message: Message) -> None:
            if message["type"] == "http.response.start":
                MutableHeaders(scope=message).update(HEADERS)
            await send(message)

        is_refused = scope["type"] == "http" and scope["method"] not in _METHODS
        app = _refuse_method if is_refused else self._app
        await app(scope, receive, send_with_headers)


_refuse_method = PlainTextResponse(
    "The dashboard is read-only.\n", HTTPStatus.METHOD_NOT_ALLOWED, {"Allow": ", ".join(_METHODS)}
)
