"""An HTTP server in a thread: uvicorn, loopback unless told otherwise, no access log."""

from __future__ import annotations

import threading

import uvicorn
from starlette.applications import Starlette

_STOP_SECONDS = 5.0


class ThreadedServer:
    """Serves an application until it is stopped."""

    def __init__(self, app: Starlette, address: str) -> None:
        host, _, port = address.rpartition(":")
        config = uvicorn.Config(
            app,
            host=host,
            port=int(port),
            access_log=False,
            log_level="warning",
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        self._server = uvicorn.Server(config)
        self._thread = threading.Thread(target=self._server.run, name=f"http {address}", daemon=True)

    def start(self) -> None:
        """Begin to serve."""
        self._thread.start()

    def stop(self) -> None:
        """Finish what is in flight, then stop."""
        self._server.should_exit = True
        self._thread.join(_STOP_SECONDS)
