"""Puts another configuration in force, or leaves the old one: running, and on disk."""

from __future__ import annotations

import threading

from handshake.core.clock import Clock
from handshake.core.errors import HandshakeError, OutcomeUnknownError, RefusedError, UnavailableError
from handshake.drivers.haproxy.configuration import Configuration
from handshake.drivers.haproxy.master import Master, Workers
from handshake.drivers.haproxy.program import HaproxyProgram
from handshake.drivers.haproxy.runtime import Runtime

_DEADLINE_SECONDS = 30.0
_REPEAT_SECONDS = 3.0
"""An order that came while the master was still starting is lost without a word: it is given again."""
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
            self._configuration.replace(text)

    def serve(self, text: str, digest: str) -> None:
        """Reload with a configuration whose `description` is the digest; return once a new worker says so.

        RefusedError where the configuration is not valid, or cannot be started: the old one serves on, and
        its file is back in place. OutcomeUnknownError where no worker said so in time.
        """
        with self._turn:
            old = self._configuration.read()
            before = self._master.workers()
            self._configuration.replace(text)
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
                raise RefusedError("HAProxy could not start with the configuration; the old one serves on")
            if now.current != before.current and self._serves(now.current, digest):
                return
            if now.reloads == before.reloads and self._clock.monotonic() >= repeat_at:
                self._order()
                repeat_at = self._clock.monotonic() + _REPEAT_SECONDS
            self._clock.sleep(_PAUSE_SECONDS)
        raise OutcomeUnknownError(f"no worker says that it serves {digest}", hint="read HAProxy's log")

    def _look(self, before: Workers) -> Workers:
        """Return the workers; while the master starts anew it does not answer, and nothing has changed."""
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
