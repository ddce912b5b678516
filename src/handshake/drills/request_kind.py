"""Kinds of requests: what is asked, and which answer is a good one."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from handshake.drills.body import KEY_HEADER, NOTHING, Body, DonationBody, Headers


class Content(StrEnum):
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
    content: Content = Content.ANY
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
        content=Content.RECEIPT,
        tries=tries,
    )
