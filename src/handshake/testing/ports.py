"""Ports of loopback for the programs of tests and benches."""

from __future__ import annotations

import itertools
import os
import socket

_FIRST, _EACH, _SLICES = 10_000, 1_000, 10
"""Below what the kernel gives to connections, and below the ports of instances."""
_MINE = _FIRST + os.getpid() % _SLICES * _EACH
"""Processes that run side by side begin in slices of their own."""
_PORTS = itertools.cycle(range(_MINE, _MINE + _EACH))


def free_port() -> int:
    """Return a port that is free now, and that nobody in this process was given lately."""
    return next(port for port in itertools.islice(_PORTS, _EACH) if _is_free(port))


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
        return True
