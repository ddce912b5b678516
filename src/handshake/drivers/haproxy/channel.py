"""One question to a Unix socket of HAProxy, and its whole answer."""

from __future__ import annotations

import socket
from pathlib import Path

from handshake.core.errors import OutcomeUnknownError, UnavailableError

_CHUNK_BYTES = 1 << 16


def exchange(path: Path, question: str, *, timeout_seconds: float) -> str:
    """Send a question and return everything that is answered until HAProxy closes.

    UnavailableError where nobody listens: nothing was changed. OutcomeUnknownError where the question
    was sent, and the answer did not end within `timeout_seconds` of silence.
    """
    with socket.socket(socket.AF_UNIX) as channel:
        channel.settimeout(timeout_seconds)
        try:
            channel.connect(str(path))
        except OSError as error:
            raise UnavailableError(f"nobody answers at {path}", details=str(error)) from error
        try:
            channel.sendall(question.encode())
            # The master's socket waits for more questions until this side is closed.
            channel.shutdown(socket.SHUT_WR)
            return _receive(channel)
        except OSError as error:
            raise OutcomeUnknownError(f"the answer at {path} broke off", details=str(error)) from error


def _receive(channel: socket.socket) -> str:
    chunks = []
    while chunk := channel.recv(_CHUNK_BYTES):
        chunks.append(chunk)
    return b"".join(chunks).decode(errors="replace")
