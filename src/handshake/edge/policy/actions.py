"""The actions of rules: a closed set, written in edge.toml under the names used here."""

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
"""The target of a redirect: a path, or a URL with its scheme."""
PathText = Annotated[str, StringConstraints(pattern=r"^/[\x21\x23-\x3E\x40-\x7E]*$")]
"""A path without a query."""
Tag = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:/-]{0,79}$")]
"""A label of cached objects; it contains no spaces."""
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
"""The name of a switch, a list or an arm; no hyphens, which would be minus signs in conditions."""


# Limits: how often a client may do something, and what happens to requests over the limit.

MOST_COUNTED = 2
"""A request counts for the first limits that match: HAProxy has three counters, one is for `client.rate`."""


class Exceeded(StrEnum):
    """What happens to a request over the limit."""

    DENY = "deny"
    """It is refused at once."""
    TARPIT = "tarpit"
    """It is refused after five seconds, to slow the sender down."""
    DROP = "drop"
    """Its connection is closed without an answer."""
    CHALLENGE = "challenge"
    """Its browser must solve a puzzle; the solution is valid once and for this client only."""


class Limit(Settings):
    """Count matching requests, and refuse those over the limit."""

    phases: ClassVar[frozenset[Phase]] = frozenset({Phase.ADMIT})
    ends: ClassVar[bool] = False

    requests: int = Field(ge=0, description="The number of requests allowed within `seconds`.")
    seconds: int = Field(ge=1, le=3600, description="The length of the sliding window.")
    per: str = Field(
        default="client.ip",
        description="The key to count by: `client.ip`, or a text variable such as "
        '`request.header["x-api-key"]`; requests without it share one count.',
    )
    failures: tuple[int, ...] = Field(
        default=(),
        description="Count only requests that were answered with one of these statuses, such as 402 for a "
        "declined card. Empty: every matching request counts.",
    )
    then: Exceeded = Field(
        default=Exceeded.DENY,
        description="What to do with requests over the limit: `deny`, `tarpit`, `drop` or `challenge`.",
    )
    status: int = Field(default=429, description="The HTTP status of the refusal, 200 to 599.")
    content_type: HeaderValue = Field(
        default="text/plain; charset=utf-8", description="The content type of the refusal's body."
    )
    body: Body = Field(
        default="Too many requests. Please wait a little.\n", description="The body of the refusal."
    )
    pass_seconds: int = Field(
        default=1800,
        ge=60,
        le=86400,
        description="How long a solved challenge lets the client pass this rule.",
    )


# Actions that modify a request or its answer and continue with the next rule.


class HeaderChanges(Settings):
    """Headers of one message to set and to remove."""

    set: dict[HeaderName, FilledValue] = Field(
        default_factory=dict, description="Headers to set; existing ones are replaced."
    )
    remove: tuple[HeaderName, ...] = Field(default=(), description="Headers to remove.")


class Headers(Settings):
    """Set and remove headers of the request (visible to later rules) and of the response."""

    phases: ClassVar[frozenset[Phase]] = frozenset(Phase)
    ends: ClassVar[bool] = False

    request: HeaderChanges = Field(
        default_factory=HeaderChanges, description="Changes to the request's headers."
    )
    response: HeaderChanges = Field(
        default_factory=HeaderChanges, description="Changes to the response's headers."
    )


class CacheAction(Settings):
    """Set how the response is cached. What the origin marks private stays private regardless."""

    phases: ClassVar[frozenset[Phase]] = frozenset({Phase.SERVE})
    ends: ClassVar[bool] = False

    ttl_seconds: int | None = Field(
        default=None, ge=0, description="How long it is fresh. Absent: as the origin specifies."
    )
    grace_seconds: int | None = Field(
        default=None, ge=0, description="How long after expiry it is served while a new one is fetched."
    )
    stale_if_error_seconds: int | None = Field(
        default=None, ge=0, description="How long after expiry it is served while the origin is down."
    )
    tags: tuple[Tag, ...] = Field(default=(), description="Tags for purging.")
    key: tuple[str, ...] = Field(
        default=(),
        description="Variables to add to the cache key: requests that differ in one are cached separately, as with "
        '`key = ["client.country", "request.cookie[\\"lang\\"]"]`.',
    )


class Pass(Settings):
    """Send each request to the origin; nothing is cached."""

    phases: ClassVar[frozenset[Phase]] = frozenset({Phase.SERVE})
    ends: ClassVar[bool] = False


class RouteAction(Settings):
    """Rewrite the path: the site mounted or the service routed there answers."""

    phases: ClassVar[frozenset[Phase]] = frozenset({Phase.SERVE})
    ends: ClassVar[bool] = False

    to: PathText = Field(description="The path that replaces `prefix`.")
    prefix: PathText | None = Field(
        default=None, description="The prefix to replace. Absent: the whole path is replaced."
    )


Weight = Annotated[int, Field(ge=0, le=1000)]


class Split(Settings):
    """Assign each visitor to one of several arms, kept in a cookie, and cache each arm separately.

    The origin reads the arm from a header (docs/reference/edge-policy.md), later rules from `request.arm["<rule>"]`.
    """

    phases: ClassVar[frozenset[Phase]] = frozenset({Phase.SERVE})
    ends: ClassVar[bool] = False

    arms: dict[Word, Weight] = Field(
        min_length=2, description="The arms and their weights: `{ control = 90, bold = 10 }`."
    )
    days: int = Field(default=30, ge=1, le=400, description="How long a visitor stays in an arm.")


# Actions that answer a request.


class Respond(Settings):
    """Answer at once, with the same response for everyone."""

    phases: ClassVar[frozenset[Phase]] = frozenset(Phase)
    ends: ClassVar[bool] = True

    status: int = Field(description="The HTTP status of the response, 200 to 599.")
    reason: HeaderValue = Field(
        default="", description="The reason phrase. Only in phase `serve`; HTTP/2 has none."
    )
    headers: dict[HeaderName, FilledValue] = Field(
        default_factory=dict, description="Additional headers of the response."
    )
    content_type: HeaderValue = Field(
        default="text/plain; charset=utf-8", description="The body's content type."
    )
    body: Body = Field(default="", description="The body.")


Milliseconds = Annotated[int, Field(ge=1, le=60_000)]


class DecoyAnswer(Settings):
    """One of the responses that a decoy may give."""

    status: int = Field(description="The HTTP status of the response, 200 to 599.")
    content_type: HeaderValue = Field(default="application/json", description="The body's content type.")
    headers: dict[HeaderName, FilledValue] = Field(
        default_factory=dict, description="Additional headers of the response."
    )
    body: Body = Field(
        default="",
        description="The body that the attacker receives; imitate the origin. `{uuid}`, `{hex:32}`, `{digits:8}`, "
        "`{now}` and `{body:amount}` are placeholders that differ per response, here and in headers.",
    )


class Decoy(Settings):
    """Give one of several plausible responses; the same request gets the same one for an hour."""

    phases: ClassVar[frozenset[Phase]] = frozenset({Phase.ADMIT})
    ends: ClassVar[bool] = True

    answers: tuple[DecoyAnswer, ...] = Field(
        min_length=2,
        description="The responses; a keyed digest of address, hour and body selects one.",
    )
    order: tuple[HeaderName, ...] = Field(
        default=(),
        description="The header names in the origin's order, including Content-Type and Content-Length; headers that "
        "are not listed come last.",
    )
    latency_ms: tuple[Milliseconds, ...] = Field(
        default=(),
        max_length=16,
        description="Response times of the origin, of which each response takes one. Empty: no delay.",
    )


class RedirectStatus(IntEnum):
    """The statuses of redirects."""

    MOVED_PERMANENTLY = 301
    FOUND = 302
    SEE_OTHER = 303
    TEMPORARY_REDIRECT = 307
    PERMANENT_REDIRECT = 308


class Redirect(Settings):
    """Redirect the visitor."""

    phases: ClassVar[frozenset[Phase]] = frozenset(Phase)
    ends: ClassVar[bool] = True

    to: Target = Field(description="The target: a path, or a URL such as `https://example.org/new`.")
    status: RedirectStatus = Field(
        default=RedirectStatus.FOUND, description="301, 302, 303, 307 or 308; browsers cache 301 and 308."
    )
    keep_path: bool = Field(default=False, description="Whether to append the request's path to `to`.")
    keep_query: bool = Field(default=False, description="Whether to append the request's query.")


Action: TypeAlias = Respond | Decoy | Redirect | Limit | Headers | CacheAction | Pass | RouteAction | Split


# The cookie that stores a visitor's arm.

_SECONDS_OF_A_DAY = 86_400


def cookie_of(rule: str) -> str:
    """Return the name of the cookie that stores a visitor's arm of the rule."""
    return f"hs_arm_{rule.replace('-', '_')}"


def cookie_attributes(days: int) -> str:
    """Return the cookie's attributes, which follow its value."""
    return f"Path=/; Max-Age={days * _SECONDS_OF_A_DAY}; SameSite=Lax"
