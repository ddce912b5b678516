"""The process: arguments, start, clean stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import socket
import sys
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path

import uvicorn
import uvloop
from starlette.applications import Starlette

from handshake.core.clock import SystemClock
from handshake.core.errors import HandshakeError
from handshake.drivers.embedded_catalog.credentials import Credentials, load_credentials
from handshake.drivers.embedded_catalog.documents import Node
from handshake.drivers.embedded_catalog.expiry import expire, start_deadlines
from handshake.drivers.embedded_catalog.house import House
from handshake.drivers.embedded_catalog.http import build_app
from handshake.drivers.embedded_catalog.storage import Storage
from handshake.drivers.embedded_catalog.watch import Watchers
from handshake.drivers.embedded_catalog.writer import Writer

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
    watchers = Watchers()
    loop = asyncio.get_running_loop()
    writer = Writer(db=storage.writer, clock=SystemClock(), loop=loop, wake=watchers.wake)
    house = House(node=Node(name=name, address=host), storage=storage, watchers=watchers, writer=writer)
    server = _Server(_configure(build_app(house, credentials)), watchers)
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
            hint=f"see who does: ss -ltnp 'sport = :{port}'",
        ) from error
    # Accepted connections inherit it. Without it, an answer waits 40 ms for the client's delayed acknowledgement.
    listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
    return listener
