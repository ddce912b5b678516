"""The master process: which worker takes connections, which still finish, and the order to reload."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from handshake.core.errors import OutcomeUnknownError
from handshake.drivers.haproxy.channel import exchange

_MASTER = re.compile(r"(\d+)\s+master\s+(\d+) \[failed: (\d+)\]")
_WORKER = re.compile(r"(\d+)\s+worker\b")
_OLD_WORKERS = "# old workers"


@dataclass(frozen=True, kw_only=True)
class Workers:
    """The processes that a master looks after."""

    reloads: int
    """How often the master has reloaded since it started."""
    failed: int
    """How many reloads in a row have failed by now."""
    current: int
    """Process id of the worker that takes new connections; 0 while there is none."""
    leaving: tuple[int, ...]


class Master:
    """The master's own command socket."""

    def __init__(self, socket: Path, *, timeout_seconds: float = 5.0) -> None:
        self._socket = socket
        self._timeout_seconds = timeout_seconds

    def workers(self) -> Workers:
        """Return the processes there are; UnavailableError while the master starts anew."""
        return parse_workers(exchange(self._socket, "show proc\n", timeout_seconds=self._timeout_seconds))

    def reload(self) -> None:
        """Order a reload. It answers nothing: `workers` tells what came of it."""
        exchange(self._socket, "reload\n", timeout_seconds=self._timeout_seconds)


def parse_workers(text: str) -> Workers:
    """Return what `show proc` says."""
    master = _MASTER.search(text)
    if master is None:
        raise OutcomeUnknownError("the master does not answer like HAProxy", details=text[:500])
    present, _, old = text.partition(_OLD_WORKERS)
    current = _WORKER.search(present)
    return Workers(
        reloads=int(master[2]),
        failed=int(master[3]),
        current=int(current[1]) if current else 0,
        leaving=tuple(int(each) for each in _WORKER.findall(old)),
    )
