"""The configuration file of one program: always one that HAProxy accepts, and only its owner reads it."""

from __future__ import annotations

import os
from pathlib import Path

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
        draft = self._draft(text)
        try:
            self._program.validate(draft)
            self._put_in_place(draft)
        finally:
            draft.unlink(missing_ok=True)

    def restore(self, text: str) -> None:
        """Put back a text that was in force before."""
        self._put_in_place(self._draft(text))

    def _draft(self, text: str) -> Path:
        draft = self._program.configuration.with_suffix(".draft")
        draft.unlink(missing_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, _OWNER_ALONE)
        with os.fdopen(descriptor, "w", encoding="utf-8") as file:
            file.write(text)
            file.flush()
            os.fsync(file.fileno())
        return draft

    def _put_in_place(self, draft: Path) -> None:
        draft.replace(self._program.configuration)
        folder = os.open(self._program.configuration.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
