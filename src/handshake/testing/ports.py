"""Ports of loopback for the programs of tests and benches."""

from __future__ import annotations

import itertools
import random
import socket

_FIRST, _COUNT = 10_000, 10_000
"""Below what the kernel gives to connections, and below the ports of instances."""
_BEGIN = random.randrange(_COUNT)  # noqa: S311 -- keeps processes that run side by side apart, and hides nothing
_PORTS = (_FIRST + (_BEGIN + step) % _COUNT for step in itertools.count())


def free_port() -> int:
    """Return a port that is free now, and that nobody in this process was given lately."""
    return next(port for port in itertools.islice(_PORTS, _COUNT) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
