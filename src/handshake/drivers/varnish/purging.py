"""Purges, said to a running Varnish over the socket that only the door and its owner may open."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Iterator
from pathlib import Path

from handshake.core.errors import UnavailableError
from handshake.edge.purge import Page, Purge
from handshake.edge.vcl.tags import PURGE_HOST, PURGE_KEYS, PURGE_METHOD, PURGE_PATH, PURGE_SOFTLY

_TIMEOUT_SECONDS = 5.0
_MOST_TAGS = 64
"""In one request: a header line has at most 8 kB, a tag at most 80 bytes."""
_OK = 200


class UnixConnection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, *, timeout_seconds: float = _TIMEOUT_SECONDS) -> None:
        super().__init__("cache", timeout=timeout_seconds)
        self._path = path
        self._timeout_seconds = timeout_seconds

    def connect(self) -> None:
        """Open the socket."""
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self._timeout_seconds)
        self.sock.connect(str(self._path))


def forget(path: Path, purge: Purge) -> int:
    """Let a cache forget pages; return how many. UnavailableError where it does not say that it did."""
    soft: dict[str, str] = {PURGE_SOFTLY: "1"} if purge.is_soft else {}
    return sum(_ask(path, {**headers, **soft}) for headers in _print_requests(purge))


def _print_requests(purge: Purge) -> Iterator[dict[str, str]]:
    for tags in _batches(purge.tags):
        yield {PURGE_KEYS: " ".join(tags)}
    for page in purge.pages:
        yield _name(page)


def _batches(tags: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    for start in range(0, len(tags), _MOST_TAGS):
        yield tags[start : start + _MOST_TAGS]


def _name(page: Page) -> dict[str, str]:
    return {PURGE_HOST: page.host, PURGE_PATH: page.path}


def _ask(path: Path, headers: dict[str, str]) -> int:
    connection = UnixConnection(path)
    try:
        connection.request(PURGE_METHOD, "/", headers=headers)
        answer = connection.getresponse()
        answer.read()
    except (OSError, http.client.HTTPException) as error:
        raise UnavailableError("the cache does not take a purge", details=str(error)) from error
    finally:
        connection.close()
    if answer.status != _OK:
        raise UnavailableError("the cache did not purge", details=f"{answer.status} {answer.reason}")
    return int(answer.reason)
