"""What the home node's agent lends to nodes that joined: the regions' objects, for reading, against a credential."""

from __future__ import annotations

import hmac
from collections.abc import Callable, Mapping

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from handshake.core.errors import HandshakeError
from handshake.core.objects import ObjectStore

_Send = Callable[[ObjectStore, str], Response]


def build_objects(stores: Mapping[str, ObjectStore], credential: str) -> Starlette:
    """Return the application: `GET /<region>/object/<key>`, `GET /<region>/keys/<prefix>`."""

    def route(what: str, send: _Send) -> Route:
        def answer(request: Request) -> Response:
            if not _is_ours(request, credential):
                return _refuse(403, "this needs the campaign's credential")
            store = stores.get(request.path_params["region"])
            return _answer(store, request.path_params["key"], send)

        return Route(f"/{{region}}/{what}/{{key:path}}", answer, methods=["GET"])

    return Starlette(routes=[route("object", _send_object), route("keys", _send_keys)])


def _answer(store: ObjectStore | None, key: str, send: _Send) -> Response:
    if store is None:
        return _refuse(503, "no such region")
    try:
        return send(store, key)
    except HandshakeError as error:
        return _refuse(503, error.what)


def _send_object(store: ObjectStore, key: str) -> Response:
    content = store.get(key)
    if content is None:
        return _refuse(404, "no such object")
    return Response(content, media_type="application/octet-stream")


def _send_keys(store: ObjectStore, prefix: str) -> Response:
    return JSONResponse(list(store.keys(prefix)))


def _is_ours(request: Request, credential: str) -> bool:
    said = request.headers.get("authorization", "")
    return hmac.compare_digest(said.encode(), f"Bearer {credential}".encode())


def _refuse(status: int, reason: str) -> Response:
    return JSONResponse({"reason": reason}, status_code=status)
