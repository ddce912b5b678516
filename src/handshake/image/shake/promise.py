"""The Protocol of a promise: adding one is adding a file to `promises/` and a line to `PROMISES`."""

from __future__ import annotations

from typing import Protocol

from handshake.image.shake.finding import Finding
from handshake.image.shake.trial import Trial


class Promise(Protocol):
    """One thing that every service owes the platform."""

    @property
    def name(self) -> str:
        """What reports and the page in docs/promises call it."""
        ...

    @property
    def sentence(self) -> str:
        """What is promised, as the end of the sentence `the service ...`."""
        ...

    def check(self, trial: Trial) -> Finding:
        """Put it to the test; SilentError where an instance that it needs does not answer."""
        ...
