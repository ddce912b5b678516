"""Documents that a running Varnish fetches before visitors ask, over the socket that only its owner may open."""

from __future__ import annotations

import http.client
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from handshake.drivers.varnish.purging import UnixConnection

_AT_ONCE = 8
_OK = 200
_LEAST_SECONDS = 0.1


def warm(
    path: Path, requests: Sequence[Mapping[str, str]], *, seconds: float, monotonic: Callable[[], float]
) -> int:
    """Let a cache fetch; return how many answers were whole. What is not done in time is left out."""
    deadline = monotonic() + seconds
    shares = [requests[start::_AT_ONCE] for start in range(_AT_ONCE)]
    with ThreadPoolExecutor(_AT_ONCE) as pool:
        return sum(pool.map(lambda share: _ask(path, share, lambda: deadline - monotonic()), shares))


def _ask(path: Path, requests: Sequence[Mapping[str, str]], seconds_left: Callable[[], float]) -> int:
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
