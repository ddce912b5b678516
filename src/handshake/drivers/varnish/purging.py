"""Purging and warming of a running Varnish, over a socket that only the ingress and its owner can open."""

from __future__ import annotations

import http.client
import socket
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from handshake.core.errors import UnavailableError
from handshake.edge.cache.cache import Purge, PurgedPage
from handshake.edge.cache.compile.tags import PURGE_HOST, PURGE_KEYS, PURGE_METHOD, PURGE_PATH, PURGE_SOFTLY

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


def _name(page: PurgedPage) -> dict[str, str]:
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


# Documents that a running Varnish fetches before visitors ask, over the socket that only its owner may open.

_AT_ONCE = 8
_LEAST_SECONDS = 0.1


def warm(
    path: Path, requests: Sequence[Mapping[str, str]], *, seconds: float, monotonic: Callable[[], float]
) -> int:
    """Let a cache fetch; return how many answers were whole. What is not done in time is left out."""
    deadline = monotonic() + seconds
    shares = [requests[start::_AT_ONCE] for start in range(_AT_ONCE)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return sum(pool.map(lambda share: _ask_warming(path, share, lambda: deadline - monotonic()), shares))


def _ask_warming(path: Path, requests: Sequence[Mapping[str, str]], seconds_left: Callable[[], float]) -> int:
    connection, done = UnixConnection(path, timeout_seconds=max(seconds_left(), _LEAST_SECONDS)), 0
    try:
        for headers in requests:
            if seconds_left() <= 0:
                break
            connection.request("GET", "/", headers=dict(headers))
            answer = connection.getresponse()
            answer.read()
            done += answer.status == _OK
    except (OSError, http.client.HTTPException):
        # It is a kindness to the first visitors, and no condition of serving them.
        return done
    finally:
        connection.close()
    return done
