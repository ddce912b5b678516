"""edge.toml as the operator writes it."""

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
    """`[[rule]]`: a condition and its action. Rules of a phase are tried in order.

    `respond`, `decoy` and `redirect` answer, and end the matter; so does `limit` where there is too much.
    The others change what becomes of the request, and the next rule is tried; the later rule wins.
    """

    name: RuleName = Field(description="Shown in logs and statistics; unique.")
    phase: Phase = Field(description="`admit` (decided at the ingress) or `serve` (decided at the cache).")
    when: str = Field(description="The condition, in CEL; docs/reference/edge-policy.md lists the variables.")
    respond: Respond | None = Field(default=None, description="Answer at once.")
    decoy: Decoy | None = Field(default=None, description="Answer with one of several plausible answers.")
    redirect: Redirect | None = Field(default=None, description="Send the visitor elsewhere.")
    limit: Limit | None = Field(default=None, description="Refuse what comes too often.")
    headers: Headers | None = Field(default=None, description="Set and take off headers.")
    cache: CacheAction | None = Field(default=None, description="Say how the answer is cached.")
    pass_: Pass | None = Field(default=None, alias="pass", description="`{}`: ask the origin each time.")
    route: RouteAction | None = Field(default=None, description="Serve the request from another path.")
    split: Split | None = Field(default=None, description="Give each visitor one of several arms.")

    @property
    def actions(self) -> dict[str, Action]:
        """The actions that are written, by their names in the file; a good rule has one."""
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
    """`[cache]`: how the cache treats what the origin marks cacheable."""

    grace_seconds: int = Field(
        default=3600, ge=0, description="How long past its end a page is served while the origin is down."
    )
    warm_documents: int = Field(
        default=500,
        ge=0,
        description="How many documents of a site's new release the cache fetches before visitors ask for them.",
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


class EdgeSettings(DeclarationSettings):
    """The file as a whole."""

    trusted_proxies: tuple[str, ...] = Field(
        default=(), description="Addresses and networks whose X-Forwarded-For names the client."
    )
    proxy_protocol: tuple[str, ...] = Field(
        default=(),
        description="Addresses and networks whose connections begin with PROXY protocol (version 1 or 2).",
    )
    rule: tuple[RuleSettings, ...] = Field(default=(), description="Rules, in order.")
    cache: CacheSettings = Field(default_factory=CacheSettings, description="Caching.")
    fallback: FallbackSettings = Field(default_factory=FallbackSettings, description="The last resort.")
