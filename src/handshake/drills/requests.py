"""Requests of a load: their kinds and bodies, which answers are good, and what became of each."""

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
"""Carries the key of a donation, unless a service says otherwise."""

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class DonationDraft:
    """The part of a request that is its own: sent again, it is the same request again."""

    body: bytes = b""
    headers: Headers = ()
    key: str = ""
    """The idempotency key, empty where the request has none."""


_EMPTY = DonationDraft()


@dataclass(frozen=True, kw_only=True)
class NoBody:
    """Nothing: for GET and HEAD."""

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
    """A donation of some amount, under a fresh idempotency key."""

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
    """What the body of a good answer is."""

    ANY = "any"
    FILLED = "filled"
    """At least one byte."""
    JSON = "json"
    RECEIPT = "receipt"
    """A JSON object that names a donation's id."""


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
    """The statuses of a good answer."""
    content: RequestContent = RequestContent.ANY
    tries: int = 1
    """More than one: the visitor sends the same request again after a failure, and every try is counted."""

    def __post_init__(self) -> None:
        if self.weight <= 0 or self.tries < 1 or not self.expected:
            raise ValueError(f"{self.name}: weight and tries are positive, and some status is expected")


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


# What became of a request.


class Failure(StrEnum):
    """Why a request failed, by what the client saw of it."""

    NONE = "none"
    CONNECT = "connect"
    """No connection came about."""
    RESET = "reset"
    """The connection was torn down before the answer was complete."""
    EOF = "eof"
    """The connection ended in good order before the answer was complete."""
    TIMEOUT = "timeout"
    """The answer was not complete in time."""
    STATUS = "status"
    """A complete answer with another status than the expected ones."""
    BODY = "body"
    """An expected status with a body that is not what it should be, or bytes that are no HTTP."""


class FailedError(Exception):
    """A request got no complete answer."""

    def __init__(self, failure: Failure, detail: str) -> None:
        self.failure = failure
        self.detail = detail
        super().__init__(f"{failure}: {detail}")


@dataclass(frozen=True, kw_only=True, slots=True)
class RequestResult:
    """One request and what became of it. Moments are on the machine's monotonic clock, all processes' alike."""

    kind: str
    started_at: float
    """When it was due, or when it was begun if the timer went off a little early."""
    late_seconds: float
    """How long after that the load began it: the load's own fault, and part of the latency."""
    latency_seconds: float
    """From `started_at` until the answer was complete or the request had failed."""
    status: int
    """0 where no answer came."""
    size_bytes: int
    """The size of the answer's body."""
    failure: Failure
    detail: str = ""
    key: str = ""
    """The idempotency key that was sent."""
    donation_id: str = ""
    """The id on the receipt, where one was expected and came."""

    @property
    def is_good(self) -> bool:
        """Whether the answer was the expected one."""
        return self.failure is Failure.NONE

    @property
    def ended_at(self) -> float:
        """When the visitor knew what became of it."""
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
    """Whether an answer is a good one, why not, and the donation's id if it is a receipt."""

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
        return ResponseJudgement(failure=Failure.BODY, detail=f"no JSON: {_show(body)}")
    if content is RequestContent.JSON:
        return _GOOD
    match document:
        case {"donation_id": str(donation_id)} if donation_id:
            return ResponseJudgement(donation_id=donation_id)
        case _:
            return ResponseJudgement(failure=Failure.BODY, detail=f"no receipt: {_show(body)}")


def _show(body: bytes) -> str:
    return body[:SHOWN_BYTES].decode(errors="replace")
