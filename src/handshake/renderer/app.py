"""The renderer's HTTP application: pages, `/health`, and error pages."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Route

from handshake.core.clock import Clock
from handshake.core.digest import Digest
from handshake.core.hop_header import Hop
from handshake.renderer.checks import HEALTH_PATH
from handshake.renderer.content import CircuitBreaker, ContentSource
from handshake.renderer.health import RenderStatus, TemplateHealth
from handshake.renderer.page import Page, Rendering
from handshake.renderer.renderer import PageResponse, Renderer, RenderOutcome
from handshake.renderer.server import RequestLog
from handshake.renderer.templates import RenderError, Templates

Endpoint = Callable[[Request], Awaitable[Response]]


def build_app(*, templates: Templates, release: Digest, source: ContentSource, clock: Clock) -> Starlette:
    """Return the application that renders a template release from a content source."""
    renderer = Renderer(templates, CircuitBreaker(source, clock))
    health = TemplateHealth(release=release, pages=templates.pages, renderer=renderer, clock=clock)

    @asynccontextmanager
    async def close_source_at_the_end(_app: Starlette) -> AsyncIterator[None]:
        yield
        await source.close()

    async def show_error(_request: Request, error: Exception) -> Response:
        # Anything but the router's own refusals is a defect of ours: the server logs it.
        status = error.status_code if isinstance(error, HTTPException) else HTTPStatus.INTERNAL_SERVER_ERROR
        return answer_error(templates, status)

    app = Starlette(
        routes=[
            Route(HEALTH_PATH, _health_endpoint(health)),
            *(Route(page.path, _page_endpoint(page, templates, renderer)) for page in templates.pages),
        ],
        middleware=[Middleware(RequestLog, clock=clock)],
        exception_handlers={HTTPException: show_error, Exception: show_error},
        lifespan=close_source_at_the_end,
    )
    # A redirect would be built from the Host header, which is not what the visitor typed.
    app.router.redirect_slashes = False
    return app


def _page_endpoint(page: Page, templates: Templates, renderer: Renderer) -> Endpoint:
    async def show_page(request: Request) -> Response:
        answer = await renderer.answer(page, request.path_params)
        if answer.rendering:
            return answer_page(request, answer, answer.rendering, page.max_age_seconds)
        absent = answer.finding is RenderOutcome.ABSENT
        return answer_error(templates, HTTPStatus.NOT_FOUND if absent else HTTPStatus.INTERNAL_SERVER_ERROR)

    return show_page


def _health_endpoint(health: TemplateHealth) -> Endpoint:
    async def show_health(request: Request) -> Response:
        asked = request.query_params.get("templateRelease")
        return await _answer_health(health) if asked is None else _answer_freshness(health.release, asked)

    return show_health


async def _answer_health(health: TemplateHealth) -> Response:
    """Answer whether the instance can render."""
    report = await health.report()
    able = report.status is not RenderStatus.UNAVAILABLE
    return _answer_json(report.to_json(), HTTPStatus.OK if able else HTTPStatus.SERVICE_UNAVAILABLE)


def _answer_freshness(loaded: Digest, asked: str) -> Response:
    """Answer whether the release asked for is the one loaded: by equality, never by order."""
    if asked == loaded:
        return _answer_json({"status": "fresh", "templateRelease": loaded}, HTTPStatus.OK)
    reason = f"{asked} was requested, {loaded} is loaded"
    content: dict[str, object] = {"status": "stale", "templateRelease": loaded, "reason": reason}
    return _answer_json(content, HTTPStatus.SERVICE_UNAVAILABLE)


def _answer_json(content: dict[str, object], status: HTTPStatus) -> Response:
    return JSONResponse(content, status, {"Cache-Control": "no-store"})


# Answers to visitors: pages that caches may keep and ask about again, and error pages that say little.

_SAFETY = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "strict-origin-when-cross-origin"}
_ABSENT_SECONDS = 5
"""How long caches may remember that a page does not exist: repeated requests end at the edge."""


def answer_page(
    request: Request, answer: PageResponse, rendering: Rendering, max_age_seconds: int
) -> Response:
    """Answer with a page, or 304 where the asker has the same text already."""
    headers = {
        **_SAFETY,
        "Cache-Control": f"public, max-age={max_age_seconds}",
        "ETag": rendering.etag,
    }
    if answer.finding is RenderOutcome.STALE:
        headers[Hop.CONTENT] = RenderOutcome.STALE
    if rendering.etag in _known_tags(request):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    return HTMLResponse(rendering.html, headers=headers)


def answer_error(templates: Templates, status: int) -> Response:
    """Answer with the release's error page; in plain words where even that fails."""
    keep = f"public, max-age={_ABSENT_SECONDS}" if status == HTTPStatus.NOT_FOUND else "no-store"
    headers = {**_SAFETY, "Cache-Control": keep}
    try:
        return HTMLResponse(templates.render_error(status), status, headers)
    except RenderError:
        return Response(HTTPStatus(status).phrase, status, headers, media_type="text/plain")


def _known_tags(request: Request) -> list[str]:
    # A cache may have weakened the tag, and If-None-Match compares weakly (RFC 9110, 13.1.2).
    tags = request.headers.get("If-None-Match", "").split(",")
    return [tag.strip().removeprefix("W/") for tag in tags]
