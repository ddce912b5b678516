"""What a rule does with a request that it matches: a closed set, written in edge.toml as they stand here."""

from __future__ import annotations

from typing import Annotated, ClassVar, TypeAlias

from pydantic import Field, StringConstraints

from handshake.config.settings import Settings
from handshake.edge.phase import Phase

Body = Annotated[str, StringConstraints(pattern=r"^[^\x00-\x08\x0B\x0C\x0E-\x1F\x7F]*$")]
HeaderName = Annotated[str, StringConstraints(pattern=r"^[A-Za-z][A-Za-z0-9-]*$")]
HeaderValue = Annotated[str, StringConstraints(pattern=r"^[\x20-\x7E]*$")]


class Respond(Settings):
    """Answer at once, with the same answer for everybody."""

    phases: ClassVar[frozenset[Phase]] = frozenset(Phase)

    status: int = Field(description="HTTP status of the answer, 200 to 599.")
    reason: HeaderValue = Field(
        default="", description="Reason phrase; phase serve only, and HTTP/2 carries none."
    )
    headers: dict[HeaderName, HeaderValue] = Field(
        default_factory=dict, description="Further headers of the answer."
    )
    content_type: HeaderValue = Field(
        default="text/plain; charset=utf-8", description="The body's content type."
    )
    body: Body = Field(default="", description="What the visitor reads.")


class DecoyAnswer(Settings):
    """One of the answers that a decoy may give."""

    status: int = Field(description="HTTP status of the answer, 200 to 599.")
    content_type: HeaderValue = Field(default="application/json", description="The body's content type.")
    body: Body = Field(default="", description="What the attacker reads; make it what the origin would say.")


class Decoy(Settings):
    """Give one of several plausible answers; the same request gets the same one for an hour."""

    phases: ClassVar[frozenset[Phase]] = frozenset({Phase.ADMIT})

    answers: tuple[DecoyAnswer, ...] = Field(
        min_length=2,
        description="The answers among which a keyed digest of address, hour and body chooses.",
    )


Action: TypeAlias = Respond | Decoy
