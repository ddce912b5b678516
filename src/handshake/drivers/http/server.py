"""An HTTP server in a thread of a process that has other work too."""

from __future__ import annotations

import socket
import threading

import uvicorn
from starlette.applications import Starlette

from handshake.core.errors import UnavailableError

_STOP_SECONDS = 2


class ThreadedServer:
    """Serves an application from the moment it is made; `port` is where, also where any free one was asked for."""

    def __init__(self, app: Starlette, address: str) -> None:
        self._listener = _listen(address)
        self.port: int = self._listener.getsockname()[1]
        self._server = uvicorn.Server(_configure(app))
        self._thread = threading.Thread(target=self._serve, name=f"http {address}", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what is in flight, then stop listening; idempotent."""
        self._server.should_exit = True
        self._thread.join(timeout=2 * _STOP_SECONDS)

    def _serve(self) -> None:
        self._server.run(sockets=[self._listener])


def _listen(address: str) -> socket.socket:
    host, _, port = address.rpartition(":")
    try:
        return socket.create_server((host, int(port)))
    except OSError as error:
        raise UnavailableError(
            f"cannot listen on {address}",
            hint="Use another port, or stop the program that uses this one.",
            details=str(error),
        ) from error


def _configure(app: Starlette) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        access_log=False,
        log_config=None,
        lifespan="off",
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=_STOP_SECONDS,
    )
