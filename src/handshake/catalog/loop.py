"""A loop: one cycle on every wake and every tick, each ending with one sentence."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable

from handshake.core.errors import HandshakeError
from handshake.core.outcome import Outcome

_log = logging.getLogger(__name__)
_SOON_SECONDS = 0.2


class Loop:
    """Runs a reconciler's cycle in its own thread; a failed cycle is retried."""

    def __init__(self, name: str, cycle: Callable[[], Outcome], *, tick_seconds: float) -> None:
        self._name = name
        self._cycle = cycle
        self._tick_seconds = tick_seconds
        self._woken = threading.Event()
        self._stopped = threading.Event()
        self._said = ""
        self._pause = tick_seconds
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        """Start with an immediate cycle."""
        self._woken.set()
        self._thread.start()

    def wake(self) -> None:
        """Request a cycle; several requests before it starts count as one."""
        self._woken.set()

    def stop(self, wait_seconds: float) -> None:
        """Stop after the current cycle."""
        self._stopped.set()
        self._woken.set()
        self._thread.join(wait_seconds)

    def _run(self) -> None:
        while True:
            self._woken.wait(self._pause)
            self._woken.clear()
            if self._stopped.is_set():
                return
            outcome = self._attempt()
            self._pause = _SOON_SECONDS if outcome.is_waiting else self._tick_seconds
            self._say(outcome)

    def _attempt(self) -> Outcome:
        try:
            return self._cycle()
        except HandshakeError as error:
            details = f" ({error.details.splitlines()[0]})" if error.details else ""
            return Outcome(sentence=f"nothing changed: {error.what}{details}", changed=False, is_waiting=True)
        except Exception as error:  # noqa: BLE001 -- a mistake in one cycle must not end the loop: it is logged and tried again
            _log.exception("%s: a cycle failed", self._name)
            return Outcome(sentence=f"a cycle failed and will be retried: {error}", changed=False)

    def _say(self, outcome: Outcome) -> None:
        """Log a sentence unless it repeats the last one."""
        if outcome.changed or outcome.sentence != self._said:
            _log.info("%s: %s", self._name, outcome.sentence)
        self._said = outcome.sentence
