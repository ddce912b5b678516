"""The process: arguments, start, clean stop."""

from __future__ import annotations

import argparse
import asyncio
import logging
import signal
import socket
import sys
from pathlib import Path

import uvicorn
import uvloop

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
    # The server hands its stop signal on when it has stopped; ignored, the process ends with 0.
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        credentials = load_credentials(arguments.credentials)
        listener = _listen(*arguments.listen)
        storage = Storage(arguments.data)
    except (HandshakeError, OSError) as error:
        hint = error.hint if isinstance(error, HandshakeError) else ""
        sys.exit(f"error: {error}" + (f"\nhint: {hint}" if hint else ""))
    uvloop.run(_serve(listener, storage, credentials, arguments.node))


class _Server(uvicorn.Server):
    """A server that lets blocking queries go when it stops."""

    def __init__(self, config: uvicorn.Config, watchers: Watchers) -> None:
        super().__init__(config)
        self._watchers = watchers

    async def shutdown(self, sockets: list[socket.socket] | None = None) -> None:
        """Answer whoever waits, then stop."""
        self._watchers.close()
        await super().shutdown(sockets)


async def _serve(listener: socket.socket, storage: Storage, credentials: Credentials, name: str) -> None:
    host, port = listener.getsockname()[:2]
    watchers = Watchers()
    writer = Writer(
        db=storage.writer, clock=SystemClock(), loop=asyncio.get_running_loop(), wake=watchers.wake
    )
    house = House(node=Node(name=name, address=host), storage=storage, watchers=watchers, writer=writer)
    config = uvicorn.Config(
        build_app(house, credentials),
        access_log=False,
        log_config=None,
        log_level="warning",
        lifespan="off",
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
    writer.start()
    await writer.write(start_deadlines)
    expiry = asyncio.create_task(_expire_for_ever(writer))
    _log.info("catalogue of node %s listens on %s:%s", name, host, port)
    await _Server(config, watchers).serve(sockets=[listener])
    expiry.cancel()
    writer.stop()
    storage.close()
    _log.info("catalogue stopped")


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
