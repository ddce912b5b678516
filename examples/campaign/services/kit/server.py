"""The server: the given address and port, and an end without a lost request."""

import os
import signal
import sys
from types import FrameType

import uvicorn
from starlette.applications import Starlette

from kit.log import start_logs

LONGEST_REQUEST_SECONDS = 30


def serve(app: Starlette) -> None:
    """Serve on $HOST:$PORT until SIGTERM, then finish what is in flight and exit with 0."""
    # An instance is PID 1 of its namespace, where a signal without a handler does nothing. The server
    # puts its own handler over this one while it serves, and raises the signal again when it is done.
    signal.signal(signal.SIGTERM, _exit)
    start_logs()
    uvicorn.run(
        app,
        host=os.environ.get("HOST", "127.0.0.1"),
        port=int(os.environ["PORT"]),
        loop="uvloop",
        http="httptools",
        lifespan="on",
        log_config=None,
        access_log=False,
        server_header=False,
        proxy_headers=False,
        timeout_graceful_shutdown=LONGEST_REQUEST_SECONDS,
    )


def _exit(_signal: int, _frame: FrameType | None) -> None:
    sys.exit(0)
