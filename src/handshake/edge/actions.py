"""What a rule does with a request that it matches: a closed set, written in edge.toml as they stand here."""

from __future__ import annotations

from enum import IntEnum
from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field

from handshake.config.settings import Settings
from handshake.edge.adjust import Cache, Headers, Pass, Route, Split
from handshake.edge.limit import Limit
from handshake.edge.phase import Phase
from handshake.edge.texts import Body, FilledValue, HeaderName, HeaderValue, Target


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


Action: TypeAlias = Respond | Decoy | Redirect | Limit | Headers | Cache | Pass | Route | Split
