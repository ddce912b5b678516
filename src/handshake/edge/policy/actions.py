"""What a rule does with a matching request: a closed set of actions, written in edge.toml as they stand here."""

from __future__ import annotations

from enum import IntEnum, StrEnum
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field, StringConstraints

from handshake.config.settings import Settings
from handshake.edge.policy.variables import Phase

Body = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F]*$")]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")]
FilledValue = Annotated[str, StringConstraints(pattern=r"^[\x21-\x7E]([\x20-\x7E]*[\x21-\x7E])?$")]
"""A header's value as both programs send it: never empty, with no space at its ends."""
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7E]*$")]
Target = Annotated[str, StringConstraints(pattern=r"^(/|https?://[A-Za-z0-9])[\x21\x23-\x7E]*$")]
"""Where a redirect leads: a path, or an address with its scheme."""
PathText = Annotated[str, StringConstraints(pattern=r"^/[\x21\x23-\x3E\x40-\x7E]*$")]
"""A path without a query."""
Tag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,79}$")]
"""A label of cached objects; a space would end it."""
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""The name of a switch, a list or an arm: a hyphen would be a minus sign in a condition."""


# Limits: how often a client may do something, and what happens to who does it more often.

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


# Actions that change what becomes of a request, and let it go on to the next rule.


class HeaderChanges(Settings):
    """Headers of one message to set and to take off."""

    set: dict[HeaderName, FilledValue] = Field(
        default_factory=dict, description="Headers to set; a header that is there already is replaced."
    )
    remove: tuple[HeaderName, ...] = Field(default=(), description="Headers to take off.")


class Headers(Settings):
    """Set and take off headers of the request (later rules see it) and of the answer."""

    phases: ClassVar[frozenset[Phase]] = frozenset(Phase)
    ends: ClassVar[bool] = False

    request: HeaderChanges = Field(default_factory=HeaderChanges, description="Headers of the request.")
    response: HeaderChanges = Field(default_factory=HeaderChanges, description="Headers of the answer.")


class CacheAction(Settings):
    """Say how the answer is cached. What the origin marks private stays private, whatever is said here."""

    phases: ClassVar[frozenset[Phase]] = frozenset({Phase.SERVE})
    ends: ClassVar[bool] = False

    ttl_seconds: int | None = Field(
        default=None, ge=0, description="How long it is fresh; absent: as the origin says."
    )
    grace_seconds: int | None = Field(
        default=None, ge=0, description="How long past its end it is served while a new one is being fetched."
    )
    stale_if_error_seconds: int | None = Field(
        default=None, ge=0, description="How long past its end it is served while the origin is down."
    )
    tags: tuple[Tag, ...] = Field(default=(), description="Labels by which it can be purged.")
    key: tuple[str, ...] = Field(
        default=(),
        description="Variables that make a difference: requests that differ in one are cached apart, as with "
        '`key = ["client.country", "request.cookie[\\"lang\\"]"]`.',
    )


class Pass(Settings):
    """Ask the origin each time; nothing is cached."""

    phases: ClassVar[frozenset[Phase]] = frozenset({Phase.SERVE})
    ends: ClassVar[bool] = False


class RouteAction(Settings):
    """Serve the request from another path: what is mounted or routed there answers it."""

    phases: ClassVar[frozenset[Phase]] = frozenset({Phase.SERVE})
    ends: ClassVar[bool] = False

    to: PathText = Field(description="The path that takes the place of `prefix`.")
    prefix: PathText | None = Field(
        default=None, description="The beginning of the path that is replaced; absent: the whole path is."
    )


Weight = Annotated[int, Field(ge=0, le=1000)]


class Split(Settings):
    """Give each visitor one of several arms, kept in a cookie, and cache each arm apart.

    The origin reads it in a header (docs/reference/edge-policy.md), later rules in `request.arm["<rule>"]`.
    """

    phases: ClassVar[frozenset[Phase]] = frozenset({Phase.SERVE})
    ends: ClassVar[bool] = False

    arms: dict[Word, Weight] = Field(
        min_length=2, description="The arms and their weights: `{ control = 90, bold = 10 }`."
    )
    days: int = Field(default=30, ge=1, le=400, description="How long a visitor keeps an arm.")


# What a rule does with a request that it matches: a closed set, written in edge.toml as they stand here.


class Respond(Settings):
    """Answer at once, with the same answer for everybody."""

    phases: ClassVar[frozenset[Phase]] = frozenset(Phase)
    ends: ClassVar[bool] = True

    status: int = Field(description="HTTP status of the answer, 200 to 599.")
    reason: HeaderValue = Field(
        default="", description="Reason phrase; phase serve only, and HTTP/2 carries none."
    )
    headers: dict[HeaderName, FilledValue] = Field(
        default_factory=dict, description="Further headers of the answer."
    )
    content_type: HeaderValue = Field(
        default="text/plain; charset=utf-8", description="The body's content type."
    )
    body: Body = Field(default="", description="What the visitor reads.")


Milliseconds = Annotated[int, Field(ge=1, le=60_000)]


class DecoyAnswer(Settings):
    """One of the answers that a decoy may give."""

    status: int = Field(description="HTTP status of the answer, 200 to 599.")
    content_type: HeaderValue = Field(default="application/json", description="The body's content type.")
    headers: dict[HeaderName, FilledValue] = Field(
        default_factory=dict, description="Further headers of the answer."
    )
    body: Body = Field(
        default="",
        description="What the attacker reads; make it what the origin would say. `{uuid}`, `{hex:32}`, `{digits:8}`, "
        "`{now}` and `{body:amount}` stand for what differs from answer to answer, here and in headers.",
    )


class Decoy(Settings):
    """Give one of several plausible answers; the same request gets the same one for an hour."""

    phases: ClassVar[frozenset[Phase]] = frozenset({Phase.ADMIT})
    ends: ClassVar[bool] = True

    answers: tuple[DecoyAnswer, ...] = Field(
        min_length=2,
        description="The answers among which a keyed digest of address, hour and body chooses.",
    )
    order: tuple[HeaderName, ...] = Field(
        default=(),
        description="The names of headers in the origin's order, Content-Type and Content-Length included; those that "
        "are not named follow.",
    )
    latency_ms: tuple[Milliseconds, ...] = Field(
        default=(),
        max_length=16,
        description="How long the origin takes: each answer takes one of these times. Empty: at once.",
    )


class RedirectStatus(IntEnum):
    """The statuses that send a visitor elsewhere."""

    MOVED_PERMANENTLY = 301
    FOUND = 302
    SEE_OTHER = 303
    TEMPORARY_REDIRECT = 307
    PERMANENT_REDIRECT = 308


class Redirect(Settings):
    """Send the visitor elsewhere."""

    phases: ClassVar[frozenset[Phase]] = frozenset(Phase)
    ends: ClassVar[bool] = True

    to: Target = Field(description="Where to: a path, or an address such as `https://example.org/new`.")
    status: RedirectStatus = Field(
        default=RedirectStatus.FOUND, description="301, 302, 303, 307 or 308; browsers keep 301 and 308."
    )
    keep_path: bool = Field(default=False, description="Whether the request's path is appended to `to`.")
    keep_query: bool = Field(default=False, description="Whether the request's query is appended.")


Action: TypeAlias = Respond | Decoy | Redirect | Limit | Headers | CacheAction | Pass | RouteAction | Split


# The cookie that keeps a visitor's arm.

_SECONDS_OF_A_DAY = 86_400


def cookie_of(rule: str) -> str:
    """Return the name of the cookie in which a visitor keeps the rule's arm."""
    return f"hs_arm_{rule.replace('-', '_')}"


def cookie_attributes(days: int) -> str:
    """Return what stands behind the cookie's value."""
    return f"Path=/; Max-Age={days * _SECONDS_OF_A_DAY}; SameSite=Lax"
