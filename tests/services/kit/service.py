"""A small service that keeps every promise of the contract. Each of its neighbours breaks one, by overriding a method."""

import json
import os
import signal
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from types import FrameType
from typing import Any
from urllib.parse import parse_qs, urlsplit

from tests.services.kit.store import Store

SECRET = Path("/run/secrets/ledger")
IDLE_SECONDS = 4.0


class Service:
    """Counts what is posted, each key once, in its store."""

    def __init__(self) -> None:
        self.release = os.environ.get("HANDSHAKE_TEMPLATES_RELEASE", "")
        self.store = self.open_store()

    def open_store(self) -> Any:
        """Open the store that the secret names."""
        if not SECRET.exists():
            sys.exit("the secret ledger is missing: there is no /run/secrets/ledger")
        return Store(SECRET.read_text(encoding="utf-8"))

    def health(self) -> dict[str, object]:
        """Say that all is well."""
        return {"status": "ok"}

    def is_loaded(self, release: str) -> bool:
        """Tell whether this template release is the one that was loaded."""
        return release == self.release

    def read(self) -> dict[str, object]:
        """Say how many things were posted."""
        return {"count": int(self.store.do("GET", "count") or 0)}

    def write(self, key: str) -> dict[str, object]:
        """Count a thing, unless its key was seen before."""
        if self.store.do("SET", f"once:{key}", "1", "NX"):
            self.store.do("INCR", "count")
        return {"key": key}

    def log(self, line: str) -> None:
        """Write a line of log."""
        sys.stdout.write(f"{line}\n")
        sys.stdout.flush()

    def end(self, server: ThreadingHTTPServer) -> None:
        """Take no more connections; the threads of those that are open are waited for."""
        threading.Thread(target=server.shutdown).start()

    def prepare(self) -> None:
        """Do what is to be done before the port opens."""

    def run(self) -> None:
        """Serve until SIGTERM."""
        server = Server(("127.0.0.1", int(os.environ["PORT"])), type("Bound", (Handler,), {"service": self}))

        def end(_signal: int, _frame: FrameType | None) -> None:
            server.is_draining = True
            self.end(server)

        signal.signal(signal.SIGTERM, end)
        self.log("serving")
        server.serve_forever(poll_interval=0.05)
        server.server_close()


class Server(ThreadingHTTPServer):
    """A thread for each connection; closing waits for all of them."""

    daemon_threads = False
    request_queue_size = 128
    is_draining = False


class Handler(BaseHTTPRequestHandler):
    """Answers a service's requests; each service has a class of its own, which names it."""

    protocol_version = "HTTP/1.1"
    timeout = IDLE_SECONDS
    service: Service

    def do_GET(self) -> None:
        """Answer for health and for the count."""
        url = urlsplit(self.path)
        if url.path == "/health":
            self._answer_health(parse_qs(url.query).get("templateRelease", []))
        elif url.path == "/count":
            self._answer(200, self.service.read())
        else:
            self._answer(404, {"reason": "there is nothing here"})

    def do_POST(self) -> None:
        """Take a thing."""
        self.rfile.read(int(self.headers["Content-Length"]))
        self._answer(201, self.service.write(self.headers["Idempotency-Key"] or ""))

    def log_message(self, form: str, *words: Any) -> None:
        """Write a line for whatever the server has to say."""
        self.service.log(form % words)

    def _answer_health(self, releases: list[str]) -> None:
        if releases and not self.service.is_loaded(releases[0]):
            self._answer(503, {"reason": f"{releases[0]} is not loaded"})
        else:
            self._answer(200, self.service.health())

    def _answer(self, status: int, value: dict[str, object]) -> None:
        body = json.dumps(value).encode()
        self.send_response(status)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(body)))
        if isinstance(self.server, Server) and self.server.is_draining:
            self.send_header("Connection", "close")
        self.end_headers()
        self.wfile.write(body)


def serve(service: Service) -> None:
    """Prepare a service and serve."""
    service.prepare()
    service.run()
