"""The dashboard's server: a thread of the control process, which ends when that process says so."""

from __future__ import annotations

import socket
import threading

import uvicorn
from starlette.applications import Starlette

from handshake.core.errors import UnavailableError

_STOP_SECONDS = 2


class DashboardServer:
    """A dashboard that is being served; `port` is what it listens on, also where any free one was asked for."""

    def __init__(self, app: Starlette, listener: socket.socket) -> None:
        self.port: int = listener.getsockname()[1]
        self._listener = listener
        self._server = uvicorn.Server(_configure(app))
        self._thread = threading.Thread(target=self._serve, name="dashboard", daemon=True)
        self._thread.start()

    def stop(self) -> None:
        """Finish what is in flight, then stop listening; idempotent."""
        self._server.should_exit = True
        self._thread.join(timeout=2 * _STOP_SECONDS)

    def _serve(self) -> None:
        self._server.run(sockets=[self._listener])


def serve_dashboard(app: Starlette, host: str, port: int) -> DashboardServer:
    """Serve the dashboard in a thread; UnavailableError where the address cannot be had.

    When this returns, the port accepts connections. Port 0 takes any that is free.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    try:
        listener = socket.create_server((host, port), family=family)
    except OSError as error:
        raise UnavailableError(
            f"the dashboard cannot listen on {host}:{port}",
            hint="give it another port, or end the program that has this one",
            details=str(error),
        ) from error
    return DashboardServer(app, listener)


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
