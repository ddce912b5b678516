"""The HTTP application: the gate, the routes, and which status each refusal has."""

from __future__ import annotations

from http import HTTPStatus

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from handshake.core.errors import HandshakeError, UnavailableError
from handshake.drivers.embedded_catalog.credentials import Credentials
from handshake.drivers.embedded_catalog.gate import Gate
from handshake.drivers.embedded_catalog.house import House
from handshake.drivers.embedded_catalog.refusals import (
    DeniedError,
    MalformedError,
    OversizedError,
    RefusalError,
    UnknownError,
)
from handshake.drivers.embedded_catalog.routes.agent import AgentRoutes
from handshake.drivers.embedded_catalog.routes.discovery import DiscoveryRoutes
from handshake.drivers.embedded_catalog.routes.kv import KVRoutes
from handshake.drivers.embedded_catalog.routes.sessions import SessionRoutes
from handshake.drivers.embedded_catalog.routes.status import StatusRoutes
from handshake.drivers.embedded_catalog.routes.transactions import TransactionRoutes

_AREAS = KVRoutes, TransactionRoutes, SessionRoutes, AgentRoutes, DiscoveryRoutes, StatusRoutes
_STATUS: dict[type[Exception], HTTPStatus] = {
    MalformedError: HTTPStatus.BAD_REQUEST,
    DeniedError: HTTPStatus.FORBIDDEN,
    UnknownError: HTTPStatus.NOT_FOUND,
    OversizedError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}


def build_app(house: House, credentials: Credentials) -> Starlette:
    """Put the application together."""
    app = Starlette(
        routes=[route for area in _AREAS for route in area(house).routes()],
        middleware=[Middleware(Gate, credentials=credentials)],
        exception_handlers={RefusalError: _answer_refusal, UnavailableError: _answer_failure},
    )
    app.router.redirect_slashes = False
    return app


async def _answer_refusal(_: Request, error: Exception) -> Response:
    return PlainTextResponse(str(error), status_code=_STATUS[type(error)])


async def _answer_failure(_: Request, error: Exception) -> Response:
    details = error.details if isinstance(error, HandshakeError) else ""
    return PlainTextResponse(f"{error}: {details}", status_code=HTTPStatus.SERVICE_UNAVAILABLE)
