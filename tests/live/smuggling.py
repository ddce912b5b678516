"""Requests that two programs could read differently, and an origin that keeps every byte that reaches it."""

from __future__ import annotations

import socketserver
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

WAIVERS = Path(__file__).parent / "smuggling_waivers.txt"
SMUGGLED = "GET /smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
_BODY = "abcde"
_END = "0\r\n\r\n"

_HEADERS: dict[str, str] = {
    "length differs twice": f"Content-Length: 5\r\nContent-Length: 6\r\n\r\n{_BODY}f",
    "length same twice": f"Content-Length: 5\r\nContent-Length: 5\r\n\r\n{_BODY}",
    "length listed": f"Content-Length: 5, 5\r\n\r\n{_BODY}",
    "length with plus": f"Content-Length: +5\r\n\r\n{_BODY}",
    "length negative": f"Content-Length: -1\r\n\r\n{_BODY}",
    "length hexadecimal": f"Content-Length: 0x5\r\n\r\n{_BODY}",
    "length in two words": f"Content-Length: 5 5\r\n\r\n{_BODY}",
    "length empty": f"Content-Length:\r\n\r\n{_BODY}",
    "length beyond 64 bits": f"Content-Length: 99999999999999999999\r\n\r\n{_BODY}",
    "length before encoding": f"Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n{_END}",
    "encoding before length": f"Transfer-Encoding: chunked\r\nContent-Length: 40\r\n\r\n{_END}",
    "encoding unknown": f"Transfer-Encoding: xchunked\r\n\r\n{_END}",
    "encoding before a blank": f"Transfer-Encoding : chunked\r\n\r\n{_END}",
    "encoding identity, chunked": f"Transfer-Encoding: identity, chunked\r\n\r\n{_END}",
    "encoding gzip, chunked": f"Transfer-Encoding: gzip, chunked\r\n\r\n{_END}",
    "encoding chunked, identity": f"Transfer-Encoding: chunked, identity\r\n\r\n{_END}",
    "encoding twice": f"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n{_END}",
    "encoding identity": f"Transfer-Encoding: identity\r\nContent-Length: 5\r\n\r\n{_BODY}",
    "encoding after a vertical tab": f"Transfer-Encoding: \vchunked\r\n\r\n{_END}",
    "encoding folded": f"Transfer-Encoding:\r\n chunked\r\n\r\n{_END}",
    "connection names the length": f"Connection: Content-Length\r\nContent-Length: 5\r\n\r\n{_BODY}",
    "connection names the encoding": (
        f"Connection: close, Transfer-Encoding\r\nTransfer-Encoding: chunked\r\n\r\n{_END}"
    ),
    "connection names the host": "Connection: Host\r\n\r\n",
    "connection names our word": "Connection: close, X-HS-Client\r\n\r\n",
    "bare line feed after a header": "X: 1\nY: 2\r\n\r\n",
    "bare carriage return": "X: 1\rY: 2\r\n\r\n",
    "header folded": "X: 1\r\n  2\r\n\r\n",
    "header without a name": ": b\r\n\r\n",
    "header without a colon": "abc\r\n\r\n",
    "header name with a blank": "X Y: b\r\n\r\n",
    "header name with a parenthesis": "X(: b\r\n\r\n",
    "header with NUL": "X: a\0b\r\n\r\n",
    "header with a control character": "X: a\x01b\r\n\r\n",
    "header with DEL": "X: a\x7fb\r\n\r\n",
    "second host differs": "Host: y\r\n\r\n",
    "second host the same": "Host: x\r\n\r\n",
    "chunk size is no number": "Transfer-Encoding: chunked\r\n\r\nZ\r\n\r\n",
    "chunk size with plus": f"Transfer-Encoding: chunked\r\n\r\n+5\r\n{_BODY}\r\n{_END}",
    "chunk size hexadecimal": f"Transfer-Encoding: chunked\r\n\r\n0x5\r\n{_BODY}\r\n{_END}",
    "chunk size beyond 64 bits": f"Transfer-Encoding: chunked\r\n\r\nffffffffffffffffff\r\n{_BODY}\r\n{_END}",
    "chunk longer than its size": f"Transfer-Encoding: chunked\r\n\r\n3\r\n{_BODY}\r\n{_END}",
    "chunk extension with a line feed": f"Transfer-Encoding: chunked\r\n\r\n5;a\nb\r\n{_BODY}\r\n{_END}",
    "chunk lines end in line feeds": f"Transfer-Encoding: chunked\r\n\r\n5\n{_BODY}\n0\n\n",
}
"""What follows `POST /case HTTP/1.1` and `Host: x`."""

_HEADS: dict[str, str] = {
    "bare line feeds": "GET /case HTTP/1.1\nHost: x\n\n",
    "no host": "GET /case HTTP/1.1\r\n\r\n",
    "no host in HTTP/1.0": "GET /case HTTP/1.0\r\n\r\n",
    "host of nothing": "GET /case HTTP/1.1\r\nHost:\r\n\r\n",
    "host listed": "GET /case HTTP/1.1\r\nHost: x, y\r\n\r\n",
    "host with a user": "GET /case HTTP/1.1\r\nHost: x@y\r\n\r\n",
    "host with a path": "GET /case HTTP/1.1\r\nHost: x/y\r\n\r\n",
    "host with a blank": "GET /case HTTP/1.1\r\nHost: x y\r\n\r\n",
    "host with NUL": "GET /case HTTP/1.1\r\nHost: x\0y\r\n\r\n",
    "host before a blank": "GET /case HTTP/1.1\r\n Host: x\r\n\r\n",
    "address names another host": "GET http://y/case HTTP/1.1\r\nHost: x\r\n\r\n",
    "address without a host header": "GET http://x/case HTTP/1.1\r\n\r\n",
    "encoding in HTTP/1.0": f"POST /case HTTP/1.0\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n{_END}",
    "version 1.2": "GET /case HTTP/1.2\r\nHost: x\r\n\r\n",
    "version 2.0 in text": "GET /case HTTP/2.0\r\nHost: x\r\n\r\n",
    "version missing": "GET /case\r\n\r\n",
    "version in small letters": "GET /case http/1.1\r\nHost: x\r\n\r\n",
    "blank after the version": "GET /case HTTP/1.1 \r\nHost: x\r\n\r\n",
    "two blanks": "GET  /case HTTP/1.1\r\nHost: x\r\n\r\n",
    "tabs for blanks": "GET\t/case\tHTTP/1.1\r\nHost: x\r\n\r\n",
    "path with a blank": "GET /case b HTTP/1.1\r\nHost: x\r\n\r\n",
    "path with a fragment": "GET /case#b HTTP/1.1\r\nHost: x\r\n\r\n",
    "path with a control character": "GET /case\x01 HTTP/1.1\r\nHost: x\r\n\r\n",
    "path with a broken escape": "GET /case%zz HTTP/1.1\r\nHost: x\r\n\r\n",
    "path is a star": "GET * HTTP/1.1\r\nHost: x\r\n\r\n",
    "method with a parenthesis": "GE(T /case HTTP/1.1\r\nHost: x\r\n\r\n",
    "method in small letters": "get /case HTTP/1.1\r\nHost: x\r\n\r\n",
}

CASES = {
    **{name: f"POST /case HTTP/1.1\r\nHost: x\r\n{rest}" for name, rest in _HEADERS.items()},
    **_HEADS,
}
"""Each case as it is sent."""

REFUSALS = {400, 422}
"""422 for a coding that HAProxy does not know, 400 for everything else."""


@dataclass(kw_only=True)
class Recorder:
    """An origin that says yes to everything, and keeps what it was sent as it came."""

    requests: list[str] = field(default_factory=list)
    """Each request's bytes, head and body, as text."""

    @contextmanager
    def serve(self, path: Path) -> Iterator[None]:
        """Serve on a Unix socket until the block ends."""
        recorder = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while request := _read_request(self):
                    recorder.requests.append(request.decode("latin-1"))
                    self.wfile.write(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello")

        class Server(socketserver.ThreadingUnixStreamServer):
            daemon_threads = True

        with Server(str(path), Handler) as server:
            path.chmod(0o777)
            thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
            thread.start()
            yield
            server.shutdown()
            thread.join()


def read_waivers() -> dict[str, str]:
    """Return the cases that the chain normalises instead of refusing, each with its reason."""
    lines = [line for line in WAIVERS.read_text().splitlines() if line and not line.startswith("#")]
    return {name.strip(): reason.strip() for name, _, reason in (line.partition("|") for line in lines)}


def _read_request(handler: socketserver.StreamRequestHandler) -> bytes:
    """Read one request with its body: by the letter of RFC 9112, which is all that a strict origin knows."""
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        read = handler.rfile.readline()
        if not read:
            return b""
        head += read
    headers = head.lower()
    if b"transfer-encoding: chunked" in headers:
        return head + _read_chunks(handler)
    length = headers.partition(b"content-length:")[2].partition(b"\r\n")[0]
    return head + handler.rfile.read(int(length or 0))


def _read_chunks(handler: socketserver.StreamRequestHandler) -> bytes:
    body = b""
    while not body.endswith(b"0\r\n\r\n"):
        read = handler.rfile.readline()
        if not read:
            return body
        body += read
    return body
