"""edge.toml as the operator writes it."""

from __future__ import annotations

from enum import StrEnum
from typing import Annotated

from pydantic import Field, StringConstraints

from handshake.config.settings import Settings
from handshake.edge.actions import Body, Decoy, HeaderValue, Respond
from handshake.edge.phase import Phase

# A hyphen would be a minus sign in a condition.
Word = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9_]{0,39}$")]
RuleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,59}$")]


class ListKind(StrEnum):
    """What a list holds."""

    ADDRESS = "address"
    NETWORK = "network"


class SwitchSettings(Settings):
    """`[switches.NAME]`: a named setting that operators turn on and off without a release."""

    default: bool = Field(default=False, description="Whether the switch is on until an operator sets it.")
    description: str = Field(description="What it does when on, for the person who turns it at 3 am.")


class ListSettings(Settings):
    """`[lists.NAME]`: a named set of clients that operators change without a release."""

    kind: ListKind = Field(description="`address`: single addresses only; `network`: addresses and networks.")
    description: str = Field(default="", description="Whom it holds.")
    entries: tuple[str, ...] = Field(default=(), description="What it holds at first, without an end.")
    protected: tuple[str, ...] = Field(
        default=(), description="Addresses and networks that count as not listed, whatever the list says."
    )


class RuleSettings(Settings):
    """`[[rule]]`: a condition and its action. Rules of a phase are tried in order; the first that matches acts."""

    name: RuleName = Field(description="Shown in logs and statistics; unique.")
    phase: Phase = Field(description="`admit` (decided at the door) or `serve` (decided at the cache).")
    when: str = Field(description="The condition, in CEL; docs/edge.md lists the variables.")
    respond: Respond | None = Field(default=None, description="Answer at once.")
    decoy: Decoy | None = Field(default=None, description="Answer with one of several plausible answers.")


class CacheSettings(Settings):
    """`[cache]`: how the cache treats what the origin marks cacheable."""

    grace_seconds: int = Field(
        default=3600, ge=0, description="How long past its end a page is served while the origin is down."
    )


class FallbackSettings(Settings):
    """`[fallback]`: the page that visitors see when everything behind the edge fails."""

    content_type: HeaderValue = Field(
        default="text/html; charset=utf-8", description="The page's content type."
    )
    body: Body = Field(
        default="<!doctype html><title>Back soon</title><p>We are having trouble. Please try again in a minute.",
        description="The page.",
    )


class EdgeSettings(Settings):
    """The file as a whole."""

    trusted_proxies: tuple[str, ...] = Field(
        default=(), description="Addresses and networks whose X-Forwarded-For names the client."
    )
    proxy_protocol: tuple[str, ...] = Field(
        default=(),
        description="Addresses and networks whose connections begin with PROXY protocol (version 1 or 2).",
    )
    switches: dict[Word, SwitchSettings] = Field(default_factory=dict, description="Switches by name.")
    lists: dict[Word, ListSettings] = Field(default_factory=dict, description="Lists by name.")
    rule: tuple[RuleSettings, ...] = Field(default=(), description="Rules, in order.")
    cache: CacheSettings = Field(default_factory=CacheSettings, description="Caching.")
    fallback: FallbackSettings = Field(default_factory=FallbackSettings, description="The last resort.")
