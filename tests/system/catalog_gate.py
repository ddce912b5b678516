"""A gate between one process and the catalogue, which keeps a write back for as long as a test wants."""

from __future__ import annotations

import contextlib
import re
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager

_WRITE = b"PUT /v1/txn"
_LENGTH = re.compile(rb"\r\ncontent-length: *(\d+)\r\n", re.IGNORECASE)


class Gate:
    """Passes everything on; once closed, it keeps the next write back until it is opened, and hears the answer."""

    def __init__(self, catalog: str) -> None:
        host, _, port = catalog.rpartition(":")
        self._catalog = (host, int(port))
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.address = f"127.0.0.1:{self._listener.getsockname()[1]}"
        self._is_closed = threading.Event()
        self._opened = threading.Event()
        self._threads: list[threading.Thread] = []
        self._sockets: list[socket.socket] = [self._listener]
        self.has_write = threading.Event()
        """Set once a write waits at the gate."""
        self.answers: list[bytes] = []
        """The status lines that writes got which had waited."""

    def close(self) -> None:
        """Keep the next write back."""
        self._is_closed.set()

    def open(self) -> None:
        """Let what waits through, and everything after it."""
        self._is_closed.clear()
        self._opened.set()

    def serve(self) -> None:
        """Accept connections until the gate is torn down."""
        with contextlib.suppress(OSError):
            while True:
                client, _ = self._listener.accept()
                self._sockets.append(client)
                self._start(self._up, client, self._connect(client, []))

    def tear_down(self) -> None:
        """End every connection."""
        self.open()
        for each in self._sockets:
            with contextlib.suppress(OSError):
                each.shutdown(socket.SHUT_RDWR)
            each.close()
        for thread in self._threads:
            thread.join(5)

    def _start(self, work: Callable[..., None], *arguments: object) -> None:
        thread = threading.Thread(target=work, args=arguments, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _connect(self, client: socket.socket, heard: list[bytes]) -> socket.socket:
        server = socket.create_connection(self._catalog)
        self._sockets.append(server)
        self._start(self._down, server, client, heard)
        return server

    def _up(self, client: socket.socket, server: socket.socket) -> None:
        with contextlib.suppress(OSError):
            while said := client.recv(65536):
                if said.startswith(_WRITE) and self._is_closed.is_set() and not self.has_write.is_set():
                    # Who is stopped from here on has said all of it: head and body come one after the other.
                    said = _read_whole(client, said)
                    self.has_write.set()
                    self._opened.wait()
                    # The catalogue has long given the idle connection up.
                    server = self._connect(client, self.answers)
                server.sendall(said)

    def _down(self, server: socket.socket, client: socket.socket, heard: list[bytes]) -> None:
        with contextlib.suppress(OSError):
            while said := server.recv(65536):
                heard.append(said.split(b"\r\n", 1)[0])
                client.sendall(said)


def _read_whole(client: socket.socket, said: bytes) -> bytes:
    """Return a request with all of its body, of which this is the beginning."""
    while not _is_whole(said):
        more = client.recv(65536)
        if not more:
            return said
        said += more
    return said


def _is_whole(request: bytes) -> bool:
    head, end, body = request.partition(b"\r\n\r\n")
    length = _LENGTH.search(head + b"\r\n")
    return bool(end) and len(body) >= (int(length[1]) if length else 0)


@contextmanager
def gate_before(catalog: str) -> Iterator[Gate]:
    """Run a gate before the catalogue at an address."""
    gate = Gate(catalog)
    server = threading.Thread(target=gate.serve, daemon=True)
    server.start()
    try:
        yield gate
    finally:
        gate.tear_down()
        server.join(5)
