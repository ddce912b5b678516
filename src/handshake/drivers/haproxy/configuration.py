"""The configuration file of one program: always one that HAProxy accepts, and only its owner reads it."""

from __future__ import annotations

from handshake.core.atomic_file import write_atomically
from handshake.drivers.haproxy.program import HaproxyProgram

_OWNER_ALONE = 0o600
"""A configuration may hold keys; HAProxy reads it before it becomes another user."""


class Configuration:
    """The file that a program starts and reloads with."""

    def __init__(self, program: HaproxyProgram) -> None:
        self._program = program

    def read(self) -> str:
        """Return the text in force; empty where there is none yet."""
        try:
            return self._program.configuration.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def replace(self, text: str) -> None:
        """Put a text in place, durably, if HAProxy accepts it; RefusedError where not, and the old one stays."""
        write_atomically(self._program.configuration, text, mode=_OWNER_ALONE, prepare=self._program.validate)

    def restore(self, text: str) -> None:
        """Put back a text that was in force before."""
        write_atomically(self._program.configuration, text, mode=_OWNER_ALONE)
