"""A Redis client of a few lines, so that these services need nothing but Python."""

import socket
import threading
from urllib.parse import urlsplit


class Store:
    """Sends one command at a time."""

    def __init__(self, url: str) -> None:
        where = urlsplit(url)
        assert where.hostname
        assert where.port
        self._lock = threading.Lock()
        self._socket = socket.create_connection((where.hostname, where.port))
        self._file = self._socket.makefile("rb")
        self.do("AUTH", where.password or "")

    def do(self, *words: str) -> str | None:
        """Send a command and return its answer: a text, or None for nil."""
        with self._lock:
            parts = [f"*{len(words)}\r\n", *(f"${len(word.encode())}\r\n{word}\r\n" for word in words)]
            self._socket.sendall("".join(parts).encode())
            return self._read()

    def members(self, key: str) -> list[str]:
        """Return the members of a set."""
        with self._lock:
            self._socket.sendall(f"*2\r\n$8\r\nSMEMBERS\r\n${len(key)}\r\n{key}\r\n".encode())
            count = int(self._file.readline()[1:])
            return [self._read() or "" for _ in range(count)]

    def _read(self) -> str | None:
        line = self._file.readline().decode().rstrip()
        if line.startswith("-"):
            raise ConnectionError(line)
        if not line.startswith("$"):
            return line[1:]
        length = int(line[1:])
        return None if length < 0 else self._file.read(length + 2)[:-2].decode()
