"""Answers to visitors: pages that caches may keep and ask about again, and error pages that say little."""

from __future__ import annotations

from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import HTMLResponse, Response

from handshake.core.hop_header import Hop
from handshake.render.page import Rendering
from handshake.render.renderer import Answer, Finding
from handshake.render.templates import RenderError, Templates

_SAFETY = {"X-Content-Type-Options": "nosniff", "Referrer-Policy": "strict-origin-when-cross-origin"}
_ABSENT_SECONDS = 5
"""How long caches may keep that a page does not exist: a scanner's questions collapse at the edge."""


def answer_page(request: Request, answer: Answer, rendering: Rendering, max_age_seconds: int) -> Response:
    """Answer with a page, or 304 where the asker has the same text already."""
    headers = {
        **_SAFETY,
        "Cache-Control": f"public, max-age={max_age_seconds}",
        "ETag": rendering.etag,
    }
    if answer.finding is Finding.STALE:
        headers[Hop.CONTENT] = Finding.STALE
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
