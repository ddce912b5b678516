"""Answers that the edge and a browser may keep for a moment."""

import hashlib
from http import HTTPStatus

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

FRESH_SECONDS = 5


def answer_cacheable(request: Request, content: object) -> Response:
    """Answer with an ETag, or 304 when the asker has the same content already."""
    answer = JSONResponse(content)
    etag = f'"{hashlib.sha256(answer.body).hexdigest()[:32]}"'
    headers = {"Cache-Control": f"public, max-age={FRESH_SECONDS}", "ETag": etag}
    if etag in _read_known_tags(request):
        return Response(status_code=HTTPStatus.NOT_MODIFIED, headers=headers)
    answer.headers.update(headers)
    return answer


def _read_known_tags(request: Request) -> list[str]:
    # A cache may have weakened the tag (RFC 9110, 13.1.2: compare weakly).
    tags = request.headers.get("If-None-Match", "").split(",")
    return [tag.strip().removeprefix("W/") for tag in tags]
