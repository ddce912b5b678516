"""What requests carry: each recipe makes a new draft for each request."""

from __future__ import annotations

import json
import uuid
from dataclasses import dataclass
from random import Random
from typing import Literal

LOWEST_CENTS = 100
HIGHEST_CENTS = 330_000
KEY_HEADER = "Idempotency-Key"
"""Carries the key of a donation, unless a service says otherwise."""

Headers = tuple[tuple[str, str], ...]


@dataclass(frozen=True, kw_only=True)
class Draft:
    """The part of a request that is its own: sent again, it is the same request again."""

    body: bytes = b""
    headers: Headers = ()
    key: str = ""
    """The idempotency key, empty where the request has none."""


_EMPTY = Draft()


@dataclass(frozen=True, kw_only=True)
class NoBody:
    """Nothing: for GET and HEAD."""

    form: Literal["none"] = "none"

    def make(self, chance: Random) -> Draft:
        """Return the empty draft."""
        del chance
        return _EMPTY


@dataclass(frozen=True, kw_only=True)
class FixedBody:
    """The same text every time."""

    text: str
    content_type: str = "text/plain; charset=utf-8"
    form: Literal["fixed"] = "fixed"

    def make(self, chance: Random) -> Draft:
        """Return the text."""
        del chance
        return Draft(body=self.text.encode(), headers=(("Content-Type", self.content_type),))


@dataclass(frozen=True, kw_only=True)
class DonationBody:
    """A donation of some amount, under a fresh idempotency key."""

    header: str = KEY_HEADER
    form: Literal["donation"] = "donation"

    def make(self, chance: Random) -> Draft:
        """Return a donation that nobody has made before."""
        key = uuid.uuid4().hex
        donation = {
            "amount_cents": chance.randint(LOWEST_CENTS, HIGHEST_CENTS),
            "name": "Drill Visitor",
            "email": "visitor@example.org",
        }
        headers = (("Content-Type", "application/json"), (self.header, key))
        return Draft(body=json.dumps(donation).encode(), headers=headers, key=key)


Body = NoBody | FixedBody | DonationBody

NOTHING = NoBody()
