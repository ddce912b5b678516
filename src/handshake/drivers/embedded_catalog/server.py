"""The process of the catalogue server: arguments, HTTP application, deadlines, clean stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from http import HTTPStatus
from pathlib import Path

import uvicorn
import uvloop
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response

from handshake.core.clock import SystemClock
from handshake.core.errors import HandshakeError, UnavailableError
from handshake.drivers.embedded_catalog.access import Credentials, Gate, load_credentials
from handshake.drivers.embedded_catalog.blocking import Watchers
from handshake.drivers.embedded_catalog.catalog_server import CatalogServer
from handshake.drivers.embedded_catalog.checks import lapse, read_check, read_checks, start_timers
from handshake.drivers.embedded_catalog.documents import NodeDocument
from handshake.drivers.embedded_catalog.fields import (
    DeniedError,
    MalformedError,
    OversizedError,
    RefusalError,
    UnknownError,
)
from handshake.drivers.embedded_catalog.locks import end_session
from handshake.drivers.embedded_catalog.routes.kv import KVRoutes, SessionRoutes, TransactionRoutes
from handshake.drivers.embedded_catalog.routes.services import AgentRoutes, DiscoveryRoutes, StatusRoutes
from handshake.drivers.embedded_catalog.services import deregister
from handshake.drivers.embedded_catalog.sessions import read_sessions, start_ttl
from handshake.drivers.embedded_catalog.storage import Storage
from handshake.drivers.embedded_catalog.writer import Change, Timer, Writer

_log = logging.getLogger(__name__)

_EXPIRY_SECONDS = 0.5
_STOP_SECONDS = 5


def main() -> None:
    """Serve until SIGTERM or SIGINT; exit with 1 and one sentence when it cannot start."""
    arguments = _parse_arguments()
    logging.basicConfig(level=logging.INFO, stream=sys.stderr, format="%(asctime)s %(levelname)s %(message)s")
    try:
        credentials = load_credentials(arguments.credentials)
        listener = _listen(*arguments.listen)
        storage = Storage(arguments.data)
    except (HandshakeError, OSError) as error:
        hint = error.hint if isinstance(error, HandshakeError) else ""
        sys.exit(f"error: {error}" + (f"\nhint: {hint}" if hint else ""))
    uvloop.run(_serve(listener, storage, credentials, arguments.node))


class _Server(uvicorn.Server):
    """A server that stops cleanly: it lets blocking queries go, and its process ends with 0."""

    def __init__(self, config: uvicorn.Config, watchers: Watchers) -> None:
        super().__init__(config)
        self._watchers = watchers

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer whoever waits, then stop."""
        self._watchers.close()
        await super().shutdown(sockets)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        """Stop on a signal; unlike the server's own way, do not die of it afterwards."""
        loop = asyncio.get_running_loop()
        for sign in signal.SIGTERM, signal.SIGINT:
            loop.add_signal_handler(sign, self.handle_exit, sign, None)
        yield


async def _serve(listener: socket.socket, storage: Storage, credentials: Credentials, name: str) -> None:
    host, port = listener.getsockname()[:2]
    clock = SystemClock()
    watchers = Watchers(clock)
    loop = asyncio.get_running_loop()
    writer = Writer(db=storage.writer, clock=clock, loop=loop, wake=watchers.wake)
    catalog = CatalogServer(
        node=NodeDocument(name=name, address=host), storage=storage, watchers=watchers, writer=writer
    )
    server = _Server(_configure(build_app(catalog, credentials)), watchers)
    async with _working(writer):
        _log.info("catalogue of node %s listens on %s:%s", name, host, port)
        await server.serve(sockets=[listener])
    storage.close()
    _log.info("catalogue stopped")


def _configure(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=_STOP_SECONDS,
    )


@asynccontextmanager
async def _working(writer: Writer) -> AsyncIterator[None]:
    """Keep the writer at work, and deadlines watched, for the length of the block."""
    writer.start()
    try:
        await writer.write(start_deadlines)
        expiry = asyncio.create_task(_expire_for_ever(writer))
        yield
        expiry.cancel()
    finally:
        writer.stop()


async def _expire_for_ever(writer: Writer) -> None:
    while True:
        await asyncio.sleep(_EXPIRY_SECONDS)
        try:
            sentences = await writer.write(expire)
        except HandshakeError as error:
            _log.warning("nothing could expire: %s: %s", error, error.details)
            continue
        for sentence in sentences:
            _log.info("%s", sentence)


def _parse_arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="handshake.drivers.embedded_catalog", description=__doc__)
    parser.add_argument("--listen", type=_parse_address, required=True, metavar="HOST:PORT")
    parser.add_argument("--data", type=Path, required=True, metavar="DIRECTORY")
    parser.add_argument("--credentials", type=Path, required=True, metavar="FILE")
    parser.add_argument("--node", required=True, metavar="NAME")
    return parser.parse_args()


def _parse_address(text: str) -> tuple[str, int]:
    host, separator, port = text.rpartition(":")
    if not (host and separator and port.isdigit()):
        raise argparse.ArgumentTypeError(f"{text!r} is not HOST:PORT, such as 127.0.0.1:8500")
    return host, int(port)


def _listen(host: str, port: int) -> socket.socket:
    try:
        listener = socket.create_server((host, port), backlog=1024)
    except OSError as error:
        raise HandshakeError(
            f"cannot listen on {host}:{port}: {error.strerror}",
            hint=f"To see which program does, run: ss -ltnp 'sport = :{port}'",
        ) from error
    # Accepted connections inherit it. Without it, an answer waits 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener


# The HTTP application: the gate, the routes, and which status each refusal has.

_AREAS = KVRoutes, TransactionRoutes, SessionRoutes, AgentRoutes, DiscoveryRoutes, StatusRoutes
_STATUS: dict[type[Exception], HTTPStatus] = {
    MalformedError: HTTPStatus.BAD_REQUEST,
    DeniedError: HTTPStatus.FORBIDDEN,
    UnknownError: HTTPStatus.NOT_FOUND,
    OversizedError: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
}


def build_app(server: CatalogServer, credentials: Credentials) -> Starlette:
    """Put the application together."""
    app = Starlette(
        routes=[route for area in _AREAS for route in area(server).routes()],
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


# What happens when nobody acts in time: sessions end, checks turn critical, dead services are deregistered.


def start_deadlines(change: Change) -> None:
    """Give everything that may expire its full time, as at the start of the process."""
    for session in read_sessions(change.db):
        start_ttl(change, session)
    for check in read_checks(change.db):
        start_timers(change, check)


def expire(change: Change) -> list[str]:
    """Carry out every deadline that has passed; return one sentence for each."""
    return [_carry_out(change, timer, name) for timer, name in change.deadlines.take_due(change.now)]


def _carry_out(change: Change, timer: Timer, name: str) -> str:
    match timer:
        case Timer.SESSION:
            end_session(change, name)
            return f"session {name} ended: not renewed within its TTL"
        case Timer.CHECK:
            lapse(change, name)
            return f"check {name} is critical: no report within its TTL"
        case Timer.CRITICAL:
            return _deregister(change, name)
        case Timer.LOCK_DELAY:
            return f"lock-delay of key {name} is over"


def _deregister(change: Change, check_id: str) -> str:
    check = read_check(change.db, check_id)
    if check is None:
        return f"check {check_id} is gone already"
    deregister(change, check.service_id)
    return f"service {check.service_id} deregistered: check {check_id} critical for too long"
