"""The Secretary's server: one address, one port, and an end that loses no request."""

from __future__ import annotations

import signal
import sys
from types import FrameType

import uvicorn
from starlette.applications import Starlette

LONGEST_REQUEST_SECONDS = 20


def end_on_sigterm() -> None:
    """Make SIGTERM end this process with 0; to be called first of all.

    An instance is PID 1 of its namespace, where a signal that has no handler does nothing. The server puts
    a handler of its own over this one while it serves, and raises the signal again when it has drained.
    """
    signal.signal(signal.SIGTERM, _end)


def serve(app: Starlette, host: str, port: int) -> None:
    """Serve on one address until SIGTERM, then finish what is in flight."""
    uvicorn.run(
        app,
        host=host,
        port=port,
        # The parsers and loops in Python: pages are cached at the edge, and the image stays small.
        loop="asyncio",
        http="h11",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=LONGEST_REQUEST_SECONDS,
    )


def _end(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
