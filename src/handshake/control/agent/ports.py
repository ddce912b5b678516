"""Ports for instances, from the range that the design gives them."""

from __future__ import annotations

import random
import socket
from collections.abc import Collection

from handshake.core.errors import UnavailableError

FIRST, LAST = 20000, 29999
_TRIES = 200


def choose_port(taken: Collection[int], host: str = "127.0.0.1") -> int:
    """Return a port that no other instance has and on which nobody listens; UnavailableError after many tries."""
    for port in random.sample(range(FIRST, LAST + 1), _TRIES):
        if port not in taken and _is_free(host, port):
            return port
    raise UnavailableError(f"no free port among {_TRIES} tried between {FIRST} and {LAST}")


def _is_free(host: str, port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
        return True
