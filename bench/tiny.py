"""The least that an instance can be where nothing compiles C: answers 200 to every GET, and ends at SIGTERM."""

from __future__ import annotations

import os
import signal
import socketserver
import sys
from http.server import BaseHTTPRequestHandler
from types import FrameType

_ANSWER = b"tiny\n"


class Tiny(BaseHTTPRequestHandler):
    """One connection."""

    protocol_version = "HTTP/1.1"

    def do_GET(self) -> None:
        """Answer whatever is asked."""
        self.send_response(200)
        self.send_header("Content-Length", str(len(_ANSWER)))
        self.end_headers()
        self.wfile.write(_ANSWER)

    def log_message(self, *_: object) -> None:
        """Say nothing."""


class Server(socketserver.ThreadingTCPServer):
    """A thread for each connection."""

    allow_reuse_address = True
    daemon_threads = True


def _end(_number: int, _frame: FrameType | None) -> None:
    sys.exit(0)


signal.signal(signal.SIGTERM, _end)
Server((os.environ["HOST"], int(os.environ["PORT"])), Tiny).serve_forever()
