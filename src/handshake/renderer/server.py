"""The renderer's server and its logs: a shutdown that loses no request, JSON lines on standard output."""

from __future__ import annotations

import json
import logging
import signal
import sys
from datetime import UTC, datetime
from types import FrameType

import uvicorn
from starlette.applications import Starlette
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from handshake.core.clock import Clock
from handshake.core.hop_header import Hop

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


# Log records as JSON lines on standard output, where the node agent collects them.

_WORTH_A_LINE = 400

requests = logging.getLogger("request")


class JsonLines(logging.Formatter):
    """Prints a record as one line of JSON; its `fields` are added beside the message."""

    def __init__(self, instance: str) -> None:
        super().__init__()
        self._instance = instance

    def format(self, record: logging.LogRecord) -> str:
        """Return the line."""
        line = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "instance": self._instance,
            "message": record.getMessage(),
            **getattr(record, "fields", {}),
        }
        if record.exc_info:
            line["traceback"] = self.formatException(record.exc_info)
        return json.dumps(line, ensure_ascii=False)


def start_logs(instance: str) -> None:
    """Send every record of this process to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonLines(instance))
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class RequestLog:
    """Logs one line per request: never its query, and of its headers only those that the ingress set."""

    def __init__(self, app: ASGIApp, clock: Clock) -> None:
        self._app = app
        self._clock = clock

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and write its line when it is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        begun = self._clock.monotonic()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            _write_line(scope, status, self._clock.monotonic() - begun)


def _write_line(scope: Scope, status: int, seconds: float) -> None:
    if scope["path"] == "/health" and status < _WORTH_A_LINE:
        return  # good news, several times a second
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    fields = {
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "milliseconds": round(seconds * 1000, 2),
        "request_id": headers.get(b"x-request-id", ""),
        "client": headers.get(Hop.CLIENT.lower().encode(), ""),
        "country": headers.get(Hop.COUNTRY.lower().encode(), ""),
    }
    requests.info("%s %s %d", scope["method"], scope["path"], status, extra={"fields": fields})
