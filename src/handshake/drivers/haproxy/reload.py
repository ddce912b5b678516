"""Reloads: the master process activates another configuration, or the old one stays."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass
from pathlib import Path

from handshake.core.clock import Clock
from handshake.core.errors import HandshakeError, OutcomeUnknownError, RefusedError, UnavailableError
from handshake.drivers.haproxy.program import Configuration, HaproxyProgram
from handshake.drivers.haproxy.runtime import Runtime, exchange

# The master process: which worker takes connections, which still finish, and the order to reload.

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
        """Return the processes there are; UnavailableError while the master starts again."""
        return parse_workers(exchange(self._socket, "show proc\n", timeout_seconds=self._timeout_seconds))

    def reload(self) -> None:
        """Order a reload. It answers nothing: `workers` tells the result of it."""
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


_DEADLINE_SECONDS = 30.0
_REPEAT_SECONDS = 3.0
"""An order that arrives while the master is still starting is lost silently, so it is repeated."""
_PAUSE_SECONDS = 0.02


class Reload:
    """The way of one program from configuration to configuration. One thread at a time goes it."""

    def __init__(self, program: HaproxyProgram, master: Master, runtime: Runtime, clock: Clock) -> None:
        self._configuration = Configuration(program)
        self._master = master
        self._runtime = runtime
        self._clock = clock
        self._turn = threading.Lock()

    def keep(self, text: str) -> None:
        """Put a valid configuration where the next start finds it; nothing that runs changes.

        RefusedError, with HAProxy's words as details, where it is not valid; the old file stays.
        """
        with self._turn:
            self._configuration.install(text)

    def serve(self, text: str, digest: str) -> None:
        """Reload with a configuration whose `description` is the digest; return once a new worker says so.

        RefusedError where the configuration is not valid, or cannot be started: the old one serves on, and
        its file is back in place. OutcomeUnknownError where no worker said so in time.
        """
        with self._turn:
            old = self._configuration.read()
            before = self._master.workers()
            self._configuration.install(text)
            try:
                self._reload(before, digest)
            except RefusedError:
                self._configuration.restore(old)
                raise

    def _reload(self, before: Workers, digest: str) -> None:
        deadline = self._clock.monotonic() + _DEADLINE_SECONDS
        repeat_at = 0.0
        while self._clock.monotonic() < deadline:
            now = self._look(before)
            if now.failed > before.failed:
                raise RefusedError(
                    "HAProxy could not start with the configuration; the old one keeps serving"
                )
            if now.current != before.current and self._serves(now.current, digest):
                return
            if now.reloads == before.reloads and self._clock.monotonic() >= repeat_at:
                self._order()
                repeat_at = self._clock.monotonic() + _REPEAT_SECONDS
            self._clock.sleep(_PAUSE_SECONDS)
        raise OutcomeUnknownError(f"no worker reports that it serves {digest}", hint="Check HAProxy's log.")

    def _look(self, before: Workers) -> Workers:
        """Return the workers; while the master starts again it does not answer, and nothing has changed."""
        try:
            return self._master.workers()
        except (UnavailableError, OutcomeUnknownError):
            return before

    def _order(self) -> None:
        try:
            self._master.reload()
        except (UnavailableError, OutcomeUnknownError):
            return  # what came of it is looked at, not listened to

    def _serves(self, worker: int, digest: str) -> bool:
        try:
            info = self._runtime.info()
        except HandshakeError:
            return False
        return (info.process, info.description) == (worker, digest)
