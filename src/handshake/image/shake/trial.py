"""The Protocol of a trial: an image's instances, and all that a promise may do to them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from handshake.core.digest import Digest
from handshake.image.contract import Contract
from handshake.image.shake.request import Answer, Request


class SilentError(Exception):
    """An instance gave no good answer within its deadline."""

    def __init__(self, what: str, log: tuple[str, ...] = ()) -> None:
        self.what = what
        self.log = log
        super().__init__(what)


@dataclass(frozen=True, kw_only=True)
class Ending:
    """How an instance ended."""

    code: int
    """As a shell says it: 128 and the signal's number where a signal ended it."""
    seconds: float = 0.0
    """From SIGTERM, or from its start where it ended by itself."""


@dataclass(frozen=True, kw_only=True)
class Drained:
    """What became of the requests that were in flight when SIGTERM came, in their order, and of the instance."""

    answers: tuple[Answer, ...]
    ending: Ending


class TrialInstance(Protocol):
    """One instance of the image, in the sandbox that it would have in production."""

    @property
    def name(self) -> str:
        """The instance's id."""
        ...

    @property
    def address(self) -> str:
        """Where it shall listen, and nowhere else: `127.0.0.1:PORT`."""
        ...

    @property
    def boot_seconds(self) -> float:
        """From its start to its first good answer; 0 where none was waited for."""
        ...

    def ask(self, request: Request) -> Answer:
        """Send one request on a connection of its own."""
        ...

    def ask_all(self, requests: Sequence[Request]) -> tuple[Answer, ...]:
        """Send all requests over several connections at once; the answers come in the requests' order."""
        ...

    def drain(self, requests: Sequence[Request]) -> Drained:
        """Send SIGTERM while requests are in flight over a connection each, and wait for its end.

        The connections have served a request before. Of a POST, half of the body comes after the signal.
        """
        ...

    def kill(self) -> None:
        """End it by SIGKILL, and by nothing else."""
        ...

    def ending(self, within_seconds: float = 0.0) -> Ending | None:
        """Return how it ended by itself, waiting for that so long; None while it runs."""
        ...

    def log(self) -> tuple[str, ...]:
        """Return the lines that it wrote on standard output and standard error."""
        ...

    def listening(self) -> tuple[str, ...]:
        """Return every address on which it, or a child of it, accepts TCP connections."""
        ...

    def processor_seconds(self) -> float:
        """Return the processor time that it and its children have used."""
        ...

    def data_megabytes(self) -> float:
        """Return the data of its largest process: what the limit of its memory counts."""
        ...


class Trial(Protocol):
    """One image under test."""

    @property
    def contract(self) -> Contract:
        """What the image promises and asks for."""
        ...

    @property
    def templates(self) -> Digest | None:
        """The template release that its instances are given; None where it serves none."""
        ...

    def one(self) -> TrialInstance:
        """Return an instance that answers, launched where there is none; SilentError where it does not."""
        ...

    def twins(self) -> tuple[TrialInstance, TrialInstance]:
        """Return two instances that answer, launched where there are none; SilentError where one does not."""
        ...

    def stripped(self) -> TrialInstance:
        """Return an instance that was launched without its secrets."""
        ...

    def changed_files(self) -> tuple[str, ...]:
        """Return the files of the image and its templates that are not what their releases say."""
        ...


def reads_of(contract: Contract) -> tuple[Request, ...]:
    """Return the GETs that a contract declares, and for one that declares none the question for its health."""
    return tuple(Request(path=path) for path in contract.reads or (contract.health.path,))
