"""Commands to a running HAProxy over its sockets."""

from __future__ import annotations

import re
import socket
import threading
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from handshake.core.errors import OutcomeUnknownError, RefusedError, UnavailableError

TIMEOUT_SECONDS = 5.0
PAYLOAD_LINES = 500
PAYLOAD_BYTES = 15_000
"""A command with its payload must fit in one buffer: 16,384 bytes unless the configuration says more."""

_WORD = re.compile(r"[!-:=?-\[\]-~]+")
"""Printable ASCII without what the command line gives a meaning to: blanks ; < > and the backslash."""


@dataclass(frozen=True, kw_only=True)
class Info:
    """What a worker says of itself."""

    process: int
    description: str


class Runtime:
    """The stats socket of one program. Commands of several threads go one after the other."""

    def __init__(self, socket: Path, *, timeout_seconds: float = TIMEOUT_SECONDS) -> None:
        self._socket = socket
        self._timeout_seconds = timeout_seconds
        self._turn = threading.Lock()

    def ask(self, *words: str, payload: Sequence[str] = ()) -> str:
        """Run one command and return its answer without the blank lines around it.

        RefusedError where a word cannot be said or the payload is too large, UnavailableError where the
        program does not listen, OutcomeUnknownError where it did not answer.
        """
        command = " ".join(_checked(word) for word in words)
        return self._exchange(command + _print_payload(payload))

    def ask_each(self, commands: Iterable[Sequence[str]]) -> str:
        """Run commands one behind the other in one go, and return all answers that are not empty."""
        text = ";".join(" ".join(_checked(word) for word in words) for words in commands)
        if len(text) > PAYLOAD_BYTES:
            raise RefusedError("too many commands at once", hint=f"Send at most {PAYLOAD_BYTES} bytes.")
        return self._exchange(text)

    def tell(self, *words: str, payload: Sequence[str] = (), accepted: str = "") -> None:
        """Run one command that answers nothing, or `accepted`, when it was done; else RefusedError."""
        answer = self.ask(*words, payload=payload)
        if answer != accepted:
            raise RefusedError(f"HAProxy refused: {' '.join(words)}", details=answer)

    def info(self) -> Info:
        """Return what the running worker says of itself."""
        fields = dict(line.split(": ", 1) for line in self.ask("show", "info").splitlines() if ": " in line)
        try:
            return Info(process=int(fields["Pid"]), description=fields.get("description", ""))
        except (KeyError, ValueError) as error:
            raise OutcomeUnknownError(f"{self._socket} does not answer like HAProxy") from error

    def _exchange(self, text: str) -> str:
        with self._turn:
            answer = exchange(self._socket, text + "\n", timeout_seconds=self._timeout_seconds)
        if not answer:
            raise OutcomeUnknownError(f"{self._socket} closed without an answer")
        return answer.strip("\n")


def _checked(word: str) -> str:
    if not _WORD.fullmatch(word):
        raise RefusedError(f"{word!r} is not allowed in a HAProxy command")
    return word


def _print_payload(lines: Sequence[str]) -> str:
    if not lines:
        return ""
    if any(not each or "\n" in each for each in lines):
        raise RefusedError("a payload's lines must not be empty or contain line breaks")
    text = "\n".join(lines)
    if len(lines) > PAYLOAD_LINES or len(text.encode()) > PAYLOAD_BYTES:
        raise RefusedError("the payload is too large for one command", hint=f"at most {PAYLOAD_LINES} lines")
    return f" <<\n{text}\n"


# One question to a Unix socket of HAProxy, and its whole answer.

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
            raise UnavailableError(f"nothing answers at {path}", details=str(error)) from error
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
