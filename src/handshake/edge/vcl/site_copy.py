"""The fallback copy at the cache: pages as files, shown once everything that renders them has failed."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.core.hop_header import Hop
from handshake.core.url_path import canonical_path
from handshake.edge.vcl.site_paths import show_address, spell_path
from handshake.edge.vcl.site_releases import describe_release
from handshake.edge.vcl.surroundings import ReleaseRoute
from handshake.syntax.vcl import Block, Statement, act, escape_pattern, quote, when

COPY_MOUNT = "/"
_SERVE = "serve_fallback_copy"


@dataclass(frozen=True, kw_only=True)
class CopyRoute:
    """The copy that is live."""

    name: str
    """As a site's in the stores' keys."""
    shown: ReleaseRoute
    files: tuple[str, ...]
    """All that it holds."""


def describe_copy(copy: CopyRoute | None) -> tuple[Block, ...]:
    """Return the subroutine that serves the copy."""
    return describe_release(_SERVE, copy.name, COPY_MOUNT, copy.shown) if copy else ()


def show_copy(copy: CopyRoute | None) -> tuple[Statement, ...]:
    """Return vcl_recv's part for a request that begins anew because its page could not be had."""
    if copy is None:
        return ()
    return (
        when(
            f'req.restarts > 0 && req.http.{Hop.COPY} == "asked"',
            act(f'set req.http.{Hop.COPY} = "shown"'),
            *spell_path(),
            act(f"call {_SERVE}"),
        ),
    )


def retreat_to_copy(copy: CopyRoute | None) -> tuple[Statement, ...]:
    """Return vcl_deliver's part: neither the origin nor the cache has the page, and the copy has it."""
    if copy is None:
        return ()
    addresses = "|".join(
        escape_pattern(canonical_path(show_address(file, is_pretty=copy.shown.contract.is_pretty)))
        for file in copy.files
    )
    return (
        when(
            f'resp.status >= 500 && (req.method == "GET" || req.method == "HEAD") && !req.http.{Hop.SITE}'
            f" && !req.http.{Hop.COPY} && req.url ~ {quote(f'^(?:{addresses})(?:[?]|$)')}",
            act(f'set req.http.{Hop.COPY} = "asked"'),
            act(f"unset req.http.{Hop.STALE}"),
            act("return (restart)"),
        ),
    )
