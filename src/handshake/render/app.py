"""The Secretary's paths: the release's pages, /health, and the error page for everything else."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from http import HTTPStatus

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handshake.core.clock import Clock
from handshake.core.digest import Digest
from handshake.render.answers import answer_error, answer_page
from handshake.render.calm import CalmSource
from handshake.render.checks import HEALTH_PATH
from handshake.render.content import ContentSource
from handshake.render.health import Health, Status
from handshake.render.log import RequestLog
from handshake.render.page import Page
from handshake.render.renderer import Finding, Renderer
from handshake.render.templates import Templates

Endpoint = Callable[[Request], Awaitable[Response]]


def build_app(*, templates: Templates, release: Digest, source: ContentSource, clock: Clock) -> Starlette:
    """Return the application that renders a template release from a content source."""
    renderer = Renderer(templates, CalmSource(source, clock))
    health = Health(release=release, pages=templates.pages, renderer=renderer, clock=clock)

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
        absent = answer.finding is Finding.ABSENT
        return answer_error(templates, HTTPStatus.NOT_FOUND if absent else HTTPStatus.INTERNAL_SERVER_ERROR)

    return show_page


def _health_endpoint(health: Health) -> Endpoint:
    async def show_health(request: Request) -> Response:
        asked = request.query_params.get("templateRelease")
        return await _answer_health(health) if asked is None else _answer_freshness(health.release, asked)

    return show_health


async def _answer_health(health: Health) -> Response:
    """Answer whether the instance can render."""
    report = await health.report()
    able = report.status is not Status.UNAVAILABLE
    return _answer_json(report.to_json(), HTTPStatus.OK if able else HTTPStatus.SERVICE_UNAVAILABLE)


def _answer_freshness(loaded: Digest, asked: str) -> Response:
    """Answer whether the release asked for is the one loaded: by equality, never by order."""
    if asked == loaded:
        return _answer_json({"status": "fresh", "templateRelease": loaded}, HTTPStatus.OK)
    reason = f"{asked} was asked for, {loaded} is loaded"
    content: dict[str, object] = {"status": "stale", "templateRelease": loaded, "reason": reason}
    return _answer_json(content, HTTPStatus.SERVICE_UNAVAILABLE)


def _answer_json(content: dict[str, object], status: HTTPStatus) -> Response:
    return JSONResponse(content, status, {"Cache-Control": "no-store"})
