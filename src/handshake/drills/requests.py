"""Requests of a load: their kinds and bodies, the expected answers, and the results."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from enum import StrEnum
from random import Random
from typing import Literal

# What requests carry: each recipe makes a new draft for each request.

LOWEST_CENTS = 100
HIGHEST_CENTS = 330_000
KEY_HEADER = "Idempotency-Key"
"""The header with a donation's key, unless a service declares another."""

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class DonationDraft:
    """The distinguishing part of a request: sent again, it is the same request again."""

    body: bytes = b""
    headers: Headers = ()
    key: str = ""
    """The idempotency key; empty if the request has none."""


_EMPTY = DonationDraft()


@dataclass(frozen=True, kw_only=True)
class NoBody:
    """No body: for GET and HEAD."""

    form: Literal["none"] = "none"

    def make(self, chance: Random) -> DonationDraft:
        """Return the empty draft."""
        del chance
        return _EMPTY


@dataclass(frozen=True, kw_only=True)
class FixedBody:
    """The same text every time."""

    text: str
    content_type: str = "text/plain; charset=utf-8"
    form: Literal["fixed"] = "fixed"

    def make(self, chance: Random) -> DonationDraft:
        """Return the text."""
        del chance
        return DonationDraft(body=self.text.encode(), headers=(("Content-Type", self.content_type),))


@dataclass(frozen=True, kw_only=True)
class DonationBody:
    """A donation of some amount, with a new idempotency key."""

    header: str = KEY_HEADER
    form: Literal["donation"] = "donation"

    def make(self, chance: Random) -> DonationDraft:
        """Return a donation that nobody has made before."""
        key = uuid.uuid4().hex
        donation = {
            "amount_cents": chance.randint(LOWEST_CENTS, HIGHEST_CENTS),
            "name": "Drill Visitor",
            "email": "visitor@example.org",
        }
        headers = (("Content-Type", "application/json"), (self.header, key))
        return DonationDraft(body=json.dumps(donation).encode(), headers=headers, key=key)


Body = NoBody | FixedBody | DonationBody

NOTHING = NoBody()


class RequestContent(StrEnum):
    """The expected body of a good answer."""

    ANY = "any"
    FILLED = "filled"
    """At least one byte."""
    JSON = "json"
    RECEIPT = "receipt"
    """A JSON object with a donation's id."""


@dataclass(frozen=True, kw_only=True)
class RequestKind:
    """One kind of request in a mix."""

    name: str
    weight: float = 1.0
    """Its share is its weight divided by the weights of all kinds."""
    method: str = "GET"
    path: str = "/"
    headers: Headers = ()
    body: Body = NOTHING
    expected: tuple[int, ...] = (200,)
    """The expected statuses."""
    content: RequestContent = RequestContent.ANY
    tries: int = 1
    """More than one: the visitor retries after a failure, and every try is counted."""

    def __post_init__(self) -> None:
        if self.weight <= 0 or self.tries < 1 or not self.expected:
            raise ValueError(f"{self.name}: weight and tries must be positive, and a status must be expected")


def donation_kind(path: str, *, weight: float = 1.0, tries: int = 1, header: str = KEY_HEADER) -> RequestKind:
    """Return the kind that donates at a path: a fresh idempotency key each time, 201 and a receipt expected."""
    return RequestKind(
        name="donate",
        weight=weight,
        method="POST",
        path=path,
        body=DonationBody(header=header),
        expected=(201,),
        content=RequestContent.RECEIPT,
        tries=tries,
    )


# The result of a request.


class Failure(StrEnum):
    """Why a request failed, as seen by the client."""

    NONE = "none"
    CONNECT = "connect"
    """The connection could not be opened."""
    RESET = "reset"
    """The connection was reset before the answer was complete."""
    EOF = "eof"
    """The connection was closed normally before the answer was complete."""
    TIMEOUT = "timeout"
    """The answer was not complete in time."""
    STATUS = "status"
    """A complete answer with an unexpected status."""
    BODY = "body"
    """An expected status with an unexpected body, or invalid HTTP."""


class FailedError(Exception):
    """A request got no complete answer."""

    def __init__(self, failure: Failure, detail: str) -> None:
        self.failure = failure
        self.detail = detail
        super().__init__(f"{failure}: {detail}")


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestResult:
    """One request and its result. Times are on the machine's monotonic clock, which all processes share."""

    kind: str
    started_at: float
    """When it was due, or when it started if the timer fired a little early."""
    late_seconds: float
    """How much later the load started it: the load's own fault, and part of the latency."""
    latency_seconds: float
    """From `started_at` until the answer was complete or the request had failed."""
    status: int
    """0 if there was no answer."""
    size_bytes: int
    """The size of the answer's body."""
    failure: Failure
    detail: str = ""
    key: str = ""
    """The idempotency key that was sent."""
    donation_id: str = ""
    """The id on the receipt, if one was expected and received."""

    @property
    def is_good(self) -> bool:
        """Whether the answer was the expected one."""
        return self.failure is Failure.NONE

    @property
    def ended_at(self) -> float:
        """When the visitor knew the result of it."""
        return self.started_at + self.latency_seconds


# An answer, and the judgement on it.

SHOWN_BYTES = 120
"""How much of an unexpected body the detail of a failure shows."""


@dataclass(frozen=True, kw_only=True, slots=True)
class LoadResponse:
    """A complete answer."""

    status: int
    body: bytes


@dataclass(frozen=True, kw_only=True, slots=True)
class ResponseJudgement:
    """Whether an answer is good, why not, and the donation's id if it is a receipt."""

    failure: Failure = Failure.NONE
    detail: str = ""
    donation_id: str = ""


_GOOD = ResponseJudgement()


def judge(kind: RequestKind, answer: LoadResponse) -> ResponseJudgement:
    """Judge a complete answer by what its kind of request expects."""
    if answer.status not in kind.expected:
        return ResponseJudgement(failure=Failure.STATUS, detail=f"{answer.status}: {_show(answer.body)}")
    match kind.content:
        case RequestContent.ANY:
            return _GOOD
        case RequestContent.FILLED:
            return (
                _GOOD if answer.body else ResponseJudgement(failure=Failure.BODY, detail="the body is empty")
            )
        case RequestContent.JSON | RequestContent.RECEIPT:
            return _judge_json(kind.content, answer.body)


def _judge_json(content: RequestContent, body: bytes) -> ResponseJudgement:
    try:
        document = json.loads(body)
    except ValueError:
        return ResponseJudgement(failure=Failure.BODY, detail=f"not JSON: {_show(body)}")
    if content is RequestContent.JSON:
        return _GOOD
    match document:
        case {"donation_id": str(donation_id)} if donation_id:
            return ResponseJudgement(donation_id=donation_id)
        case _:
            return ResponseJudgement(failure=Failure.BODY, detail=f"not a receipt: {_show(body)}")


def _show(body: bytes) -> str:
    return body[:SHOWN_BYTES].decode(errors="replace")
