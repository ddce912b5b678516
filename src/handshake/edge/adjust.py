"""Actions that change what becomes of a request, and let it go on to the next rule."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from handshake.config.settings import Settings
from handshake.edge.phase import Phase
from handshake.edge.texts import FilledValue, HeaderName, PathText, Tag, Word


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


class Cache(Settings):
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


class Route(Settings):
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

    The origin reads it in a header (docs/edge-policy.md), later rules in `request.arm["<rule>"]`.
    """

    phases: ClassVar[frozenset[Phase]] = frozenset({Phase.SERVE})
    ends: ClassVar[bool] = False

    arms: dict[Word, Weight] = Field(
        min_length=2, description="The arms and their weights: `{ control = 90, bold = 10 }`."
    )
    days: int = Field(default=30, ge=1, le=400, description="How long a visitor keeps an arm.")
