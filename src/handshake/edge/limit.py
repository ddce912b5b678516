"""Limits: how often a client may do something, and what happens to who does it more often."""

from __future__ import annotations

from enum import StrEnum
from typing import ClassVar

from pydantic import Field

from handshake.config.settings import Settings
from handshake.edge.phase import Phase
from handshake.edge.texts import Body, HeaderValue

MOST_COUNTED = 2
"""A request counts for the first limits that it meets: HAProxy gives it three counters, one is for `client.rate`."""


class Exceeded(StrEnum):
    """What happens to a request that comes too often."""

    DENY = "deny"
    """It is answered at once."""
    TARPIT = "tarpit"
    """It is answered after five seconds, so that who sends them waits."""
    DROP = "drop"
    """Its connection ends without an answer."""
    CHALLENGE = "challenge"
    """Its browser must solve a puzzle, whose solution counts once and for this client only."""


class Limit(Settings):
    """Count what matches; refuse it while there is too much of it."""

    phases: ClassVar[frozenset[Phase]] = frozenset({Phase.ADMIT})
    ends: ClassVar[bool] = False

    requests: int = Field(ge=0, description="How many are let through within `seconds`.")
    seconds: int = Field(ge=1, le=3600, description="The time that is looked back.")
    per: str = Field(
        default="client.ip",
        description="Who is counted: `client.ip`, or a text variable such as "
        '`request.header["x-api-key"]`; requests without it share one count.',
    )
    failures: tuple[int, ...] = Field(
        default=(),
        description="Count only requests that were answered with one of these statuses, such as 402 for a "
        "declined card. Empty: every request that matches counts.",
    )
    then: Exceeded = Field(
        default=Exceeded.DENY, description="`deny`, `tarpit`, `drop` or `challenge` what is too much."
    )
    status: int = Field(default=429, description="HTTP status of the refusal, 200 to 599.")
    content_type: HeaderValue = Field(
        default="text/plain; charset=utf-8", description="Content type of the refusal's body."
    )
    body: Body = Field(
        default="Too many requests. Please wait a little.\n", description="What the visitor reads."
    )
    pass_seconds: int = Field(
        default=1800,
        ge=60,
        le=86400,
        description="How long a solved challenge lets the client pass this rule.",
    )
