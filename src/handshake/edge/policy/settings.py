"""The model of edge.toml as written by operators."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field, StringConstraints

from handshake.config.settings import Settings
from handshake.edge.policy.actions import (
    Action,
    Body,
    CacheAction,
    Decoy,
    Headers,
    HeaderValue,
    Limit,
    Pass,
    Redirect,
    Respond,
    RouteAction,
    Split,
)
from handshake.edge.policy.declarations import DeclarationSettings
from handshake.edge.policy.variables import Phase

RuleName = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,59}$")]


class RuleSettings(Settings):
    """`[[rule]]`: a condition and its action. The rules of a phase are evaluated in order.

    `respond`, `decoy` and `redirect` answer and end the evaluation; so does `limit` over its limit.
    The other actions continue with the next rule; on conflict, the later rule wins.
    """

    name: RuleName = Field(description="The rule's name in logs and statistics; unique.")
    phase: Phase = Field(description="`admit` (decided at the ingress) or `serve` (decided at the cache).")
    when: str = Field(description="The condition, in CEL; docs/reference/edge-policy.md lists the variables.")
    respond: Respond | None = Field(default=None, description="Answer at once with a fixed response.")
    decoy: Decoy | None = Field(default=None, description="Answer with one of several plausible responses.")
    redirect: Redirect | None = Field(default=None, description="Redirect the visitor.")
    limit: Limit | None = Field(default=None, description="Refuse requests over a limit.")
    headers: Headers | None = Field(default=None, description="Set and remove headers.")
    cache: CacheAction | None = Field(default=None, description="Set how the response is cached.")
    pass_: Pass | None = Field(
        default=None, alias="pass", description="`{}`: send each request to the origin."
    )
    route: RouteAction | None = Field(default=None, description="Rewrite the path.")
    split: Split | None = Field(default=None, description="Assign each visitor to one of several arms.")

    @property
    def actions(self) -> dict[str, Action]:
        """The actions that are set, by their names in the file; a valid rule has exactly one."""
        possible: dict[str, Action | None] = {
            "respond": self.respond,
            "decoy": self.decoy,
            "redirect": self.redirect,
            "limit": self.limit,
            "headers": self.headers,
            "cache": self.cache,
            "pass": self.pass_,
            "route": self.route,
            "split": self.split,
        }
        return {name: action for name, action in possible.items() if action is not None}


class CacheSettings(Settings):
    """`[cache]`: how the cache treats cacheable responses."""

    grace_seconds: int = Field(
        default=3600, ge=0, description="How long after expiry a page is served while the origin is down."
    )
    warm_documents: int = Field(
        default=500,
        ge=0,
        description="How many documents of a site's new release the cache fetches before visitors request them.",
    )


class FallbackSettings(Settings):
    """`[fallback]`: the page that visitors see if everything behind the edge fails."""

    content_type: HeaderValue = Field(
        default="text/html; charset=utf-8", description="The page's content type."
    )
    body: Body = Field(
        default="<!doctype html><title>Back soon</title><p>We are having trouble. Please try again in a minute.",
        description="The page.",
    )


class EdgeSettings(DeclarationSettings):
    """The whole file."""

    trusted_proxies: tuple[str, ...] = Field(
        default=(), description="Addresses and networks of proxies whose X-Forwarded-For is trusted."
    )
    proxy_protocol: tuple[str, ...] = Field(
        default=(),
        description="Addresses and networks whose connections start with the PROXY protocol (version 1 or 2).",
    )
    rule: tuple[RuleSettings, ...] = Field(default=(), description="The rules, in order.")
    cache: CacheSettings = Field(default_factory=CacheSettings, description="Caching.")
    fallback: FallbackSettings = Field(
        default_factory=FallbackSettings, description="The page for total failures."
    )
