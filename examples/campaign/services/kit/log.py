"""Logs: one JSON object a line on standard output, for requests as for everything else."""

import json
import logging
import os
import sys
import time
from datetime import UTC, datetime

from starlette.types import ASGIApp, Message, Receive, Scope, Send

requests = logging.getLogger("request")


class JsonFormatter(logging.Formatter):
    """Print a record as one line of JSON; what a message carries as `fields` stands beside it."""

    def __init__(self) -> None:
        super().__init__()
        self._instance = os.environ.get("HANDSHAKE_INSTANCE", "")

    def format(self, record: logging.LogRecord) -> str:
        """Print one record."""
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


def start_logs() -> None:
    """Send every record of this process to standard output."""
    handler = logging.StreamHandler(sys.stdout)
    handler.setFormatter(JsonFormatter())
    logging.basicConfig(level=logging.INFO, handlers=[handler])


class RequestLog:
    """Middleware that writes one line for each request: never its body, never its query."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, and write its line when it is over."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 500
        begun = time.monotonic()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            _write_line(scope, status, time.monotonic() - begun)


def _write_line(scope: Scope, status: int, seconds: float) -> None:
    if scope["path"] == "/health" and status < 400:  # noqa: PLR2004 -- good news, several times a second
        return
    headers = {name: value.decode("latin-1") for name, value in scope["headers"]}
    fields = {
        "method": scope["method"],
        "path": scope["path"],
        "status": status,
        "milliseconds": round(seconds * 1000, 2),
        "request_id": headers.get(b"x-request-id", ""),
        "client": headers.get(b"x-hs-client", ""),
        "country": headers.get(b"x-hs-country", ""),
    }
    requests.info("%s %s %d", scope["method"], scope["path"], status, extra={"fields": fields})
