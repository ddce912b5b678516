"""What every route takes from a request: its body, its path's key, its presence flags."""

from __future__ import annotations

from urllib.parse import unquote_to_bytes

from starlette.requests import Request

from handshake.drivers.embedded_catalog.refusals import MalformedError, OversizedError

DATACENTER = "dc1"
"""The one datacenter that there is."""

_UNSUPPORTED = "filter", "node-meta"


async def read_body(request: Request, *, limit: int) -> bytes:
    """Return the body; refuse it as soon as it is longer than `limit` bytes."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > limit:
            raise OversizedError(f"Request body too large, max size: {limit} bytes")
    return bytes(body)


def path_text(request: Request, *, after: str) -> str:
    """Return the decoded rest of the path; unlike the framework, refuse bytes that are no UTF-8."""
    path: bytes = request.scope["raw_path"]
    if not path.startswith(after.encode()):
        raise MalformedError(f"The path must begin with {after}, written without escapes")
    try:
        return unquote_to_bytes(path.removeprefix(after.encode())).decode()
    except UnicodeDecodeError as error:
        raise MalformedError(f"The path is not UTF-8: {error}") from error


def is_set(request: Request, name: str) -> bool:
    """Return whether a flag such as `?recurse` is given; `?recurse=false` is not."""
    return request.query_params.get(name, "false") not in {"false", "0"}


def refuse_unsupported(request: Request) -> None:
    """Refuse what would choose among the results: an answer that ignored it would be a wrong one."""
    for name in _UNSUPPORTED:
        if request.query_params.get(name):
            raise MalformedError(f"This catalogue does not support ?{name}=")
    datacenter = request.query_params.get("dc") or DATACENTER
    if datacenter != DATACENTER:
        raise MalformedError(f"No path to datacenter {datacenter!r}: this catalogue has only {DATACENTER!r}")
