"""A trial: the instances that a promise is checked against, the requests to them, and the findings."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Protocol

from handshake.core.digest import Digest
from handshake.release.image_contract import Contract

# What a trial asks an instance, and what comes back.

_SHOWN_CHARACTERS = 120


@dataclass(frozen=True, kw_only=True)
class TrialRequest:
    """A GET, or a POST if it has a body."""

    path: str
    body: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)

    @property
    def method(self) -> str:
        """The HTTP method."""
        return "POST" if self.body else "GET"

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


@dataclass(frozen=True, kw_only=True)
class TrialResponse:
    """The response."""

    status: int
    """0 if there was no complete answer."""
    body: str
    """The whole body, or why there was none."""
    content_type: str = ""
    seconds: float = 0.0

    @property
    def is_good(self) -> bool:
        """Whether the request was done."""
        return 200 <= self.status < 300  # noqa: PLR2004 -- HTTP's own classes

    @property
    def is_lost(self) -> bool:
        """Whether no whole answer came, or one that admits a failure of the server."""
        return self.status == 0 or self.status >= 500  # noqa: PLR2004 -- HTTP's own classes

    def __str__(self) -> str:
        return f"{self.status or 'no answer'} {' '.join(self.body.split())[:_SHOWN_CHARACTERS]}".strip()


def read_object(answer: TrialResponse) -> dict[str, Any]:
    """Return the JSON object that an answer carries; empty if it carries none."""
    try:
        value = json.loads(answer.body)
    except ValueError:
        return {}
    return value if isinstance(value, dict) else {}


def read_number(answer: TrialResponse, pointer: str) -> float | None:
    """Return the number at a JSON pointer (RFC 6901) of an answer's body; None if none stands there."""
    try:
        value = json.loads(answer.body)
        for step in pointer.split("/")[1:]:
            key = step.replace("~1", "/").replace("~0", "~")
            value = value[int(key)] if isinstance(value, list) else value[key]
    except (ValueError, LookupError, TypeError):
        return None
    return value if isinstance(value, int | float) and not isinstance(value, bool) else None


class SilentError(Exception):
    """An instance gave no good answer within its deadline."""

    def __init__(self, what: str, log: tuple[str, ...] = ()) -> None:
        self.what = what
        self.log = log
        super().__init__(what)


@dataclass(frozen=True, kw_only=True)
class ExitObservation:
    """How an instance ended."""

    code: int
    """As in a shell: 128 plus the signal's number if a signal ended it."""
    seconds: float = 0.0
    """From SIGTERM, or from its start if it ended by itself."""


@dataclass(frozen=True, kw_only=True)
class Drained:
    """The result of the requests in flight at SIGTERM, in their order, and of the instance."""

    answers: tuple[TrialResponse, ...]
    ending: ExitObservation


class TrialInstance(Protocol):
    """One instance of the image, in the sandbox that it would have in production."""

    @property
    def name(self) -> str:
        """The instance's id."""
        ...

    @property
    def address(self) -> str:
        """Where it should listen, and nowhere else: `127.0.0.1:PORT`."""
        ...

    @property
    def boot_seconds(self) -> float:
        """From its start to its first good answer; 0 if none was waited for."""
        ...

    def ask(self, request: TrialRequest) -> TrialResponse:
        """Send one request on a connection of its own."""
        ...

    def ask_all(self, requests: Sequence[TrialRequest]) -> tuple[TrialResponse, ...]:
        """Send all requests over several connections at once; the answers come in the requests' order."""
        ...

    def drain(self, requests: Sequence[TrialRequest]) -> Drained:
        """Send SIGTERM while requests are in flight over a connection each, and wait for its end.

        The connections have served a request before. Of a POST, half of the body comes after the signal.
        """
        ...

    def kill(self) -> None:
        """End it by SIGKILL, and by nothing else."""
        ...

    def ending(self, within_seconds: float = 0.0) -> ExitObservation | None:
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


class ImageTrial(Protocol):
    """One image under test."""

    @property
    def contract(self) -> Contract:
        """What the image promises and asks for."""
        ...

    @property
    def templates(self) -> Digest | None:
        """The template release that its instances are given; None if it serves none."""
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


def reads_of(contract: Contract) -> tuple[TrialRequest, ...]:
    """Return the GETs that a contract declares, and for one that declares none the question for its health."""
    return tuple(TrialRequest(path=path) for path in contract.reads or (contract.health.path,))


# A finding: the result of putting one promise to the test.


class PromiseRuling(StrEnum):
    """The result of a check. Only a broken promise, or one that could not be checked, blocks a release."""

    KEPT = "kept"
    BROKEN = "broken"
    NOT_MADE = "not made"
    """The contract declares nothing for this promise."""
    UNKNOWN = "unknown"
    """It could not be checked, because another promise was broken."""


@dataclass(frozen=True, kw_only=True)
class CheckResult:
    """The finding for one promise."""

    ruling: PromiseRuling
    said: str
    """One sentence: the measurement, or the fault."""
    evidence: tuple[str, ...] = ()
    """Lines of a log, or answers, that support the sentence."""


def kept(said: str) -> CheckResult:
    """Return the finding on a promise that is kept."""
    return CheckResult(ruling=PromiseRuling.KEPT, said=said)


def broken(said: str, *evidence: str) -> CheckResult:
    """Return the finding on a promise that is broken, with what shows it."""
    return CheckResult(ruling=PromiseRuling.BROKEN, said=said, evidence=evidence)


def not_made(said: str) -> CheckResult:
    """Return the finding on a promise that this contract does not make."""
    return CheckResult(ruling=PromiseRuling.NOT_MADE, said=said)


def unknown(said: str) -> CheckResult:
    """Return the finding on a promise that could not be put to the test."""
    return CheckResult(ruling=PromiseRuling.UNKNOWN, said=said)
