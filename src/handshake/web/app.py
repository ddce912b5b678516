"""The dashboard's paths and response headers: read-only, and it loads nothing external."""

from __future__ import annotations

from collections.abc import Callable
from http import HTTPStatus
from pathlib import Path

from starlette.applications import Starlette
from starlette.datastructures import MutableHeaders
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, PlainTextResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handshake.campaign.status import StatusReport
from handshake.catalog.codec import encode
from handshake.catalog.journal import JournalRecord
from handshake.core.errors import HandshakeError
from handshake.web.notice import Notice, describe_defect, describe_failure, describe_refusal
from handshake.web.page import render_board, render_notice

_API = "/api/"
_STATIC = Path(__file__).parent / "static"


def build_app(
    *,
    read_status: Callable[[], StatusReport],
    read_journal: Callable[[], tuple[JournalRecord, ...]],
) -> Starlette:
    """Return the dashboard over these two reports.

    Both are called in threads of a pool, once per request and several at a time; `read_journal` returns the
    newest record first. A HandshakeError of theirs becomes an answer with status 503.
    """

    # None of these is a coroutine: the reports wait for the catalogue, and the pool's threads may wait.
    def show_board(_request: Request) -> Response:
        return HTMLResponse(render_board(read_status(), read_journal()))

    def show_status(_request: Request) -> Response:
        return _answer_json(encode(read_status()))

    def show_journal(_request: Request) -> Response:
        return _answer_json(encode(read_journal()))

    return Starlette(
        routes=[
            Route("/", show_board),
            Route(f"{_API}status", show_status),
            Route(f"{_API}journal", show_journal),
            Route("/health", _show_health),
            Mount("/static", StaticFiles(directory=_STATIC)),
        ],
        middleware=[Middleware(ReadOnlyMiddleware)],
        exception_handlers={
            HandshakeError: _show_failure,
            HTTPException: _show_refusal,
            Exception: _show_defect,
        },
    )


async def _show_health(_request: Request) -> Response:
    """Answer that the dashboard itself answers; the catalogue is not asked."""
    return JSONResponse({"status": "ok"})


async def _show_failure(request: Request, error: Exception) -> Response:
    assert isinstance(error, HandshakeError)  # noqa: S101 -- registered for this type alone
    return _answer_notice(request, describe_failure(error), HTTPStatus.SERVICE_UNAVAILABLE)


async def _show_refusal(request: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 -- registered for this type alone
    return _answer_notice(request, describe_refusal(error), error.status_code)


async def _show_defect(request: Request, _error: Exception) -> Response:
    answer = _answer_notice(request, describe_defect(), HTTPStatus.INTERNAL_SERVER_ERROR)
    # Starlette answers what nobody expected from outside of all middleware.
    answer.headers.update(HEADERS)
    return answer


def _answer_notice(request: Request, notice: Notice, status: int) -> Response:
    if request.url.path.startswith(_API):
        return JSONResponse(notice.to_json(), status)
    return HTMLResponse(render_notice(notice), status)


def _answer_json(content: bytes) -> Response:
    return Response(content, media_type="application/json")


# What every answer carries, and which requests are answered at all: the dashboard reads, and shows itself alone.

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


class ReadOnlyMiddleware:
    """Refuses every method that could change something, and adds the headers to every response."""

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
