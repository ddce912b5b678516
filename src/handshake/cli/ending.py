"""How a process of the campaign is told to end."""

from __future__ import annotations

import signal
import threading

_LOOK_SECONDS = 1.0


class Ending:
    """Hears SIGTERM and SIGINT from the moment it is made."""

    def __init__(self) -> None:
        self._told = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._told.set())

    def wait(self) -> None:
        """Return once the process was told to end.

        The kernel may give the signal to any thread, after a SIGCONT for example; Python's handler runs in this one,
        and a wait without an end would not notice.
        """
        while not self._told.wait(_LOOK_SECONDS):
            pass
