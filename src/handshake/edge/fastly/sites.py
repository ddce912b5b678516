"""Sites at Fastly: the door behind it knows their releases and routes them; Fastly keeps what the door says, and no rule else."""

from __future__ import annotations

from collections.abc import Iterable

from handshake.core.hop_header import Hop
from handshake.edge.fastly.purging import tag_page
from handshake.edge.fastly.surroundings import FastlySurroundings
from handshake.syntax.fastly_vcl import quote
from handshake.syntax.vcl import Statement, act, escape_pattern, when

_IS_SITE = f"req.http.{Hop.SITE}"
_KEPT = 'beresp.ttl > 0s && beresp.http.Cache-Control ~ "(?i)max-age=[1-9]" && beresp.http.Cache-Control !~ "(?i)no-cache"'


def find_sites(surroundings: FastlySurroundings) -> tuple[Statement, ...]:
    """Return vcl_recv's part behind the rules: a site's file is kept by nobody's wish but the site's, as at the house."""
    mounts = surroundings.mounts
    if not mounts:
        return ()
    wishes = (act(f"unset req.http.{name}") for name in (Hop.KEY, Hop.SHARED, Hop.TAGS))
    return (
        when(
            f"req.url.path ~ {quote(_match_any(mounts))}",
            act(f'set {_IS_SITE} = "1"'),
            *wishes,
            because=f"handshake.toml: routed by the door: {', '.join(mounts)}",
        ),
    )


def keep_site_file(stale: tuple[Statement, ...]) -> Statement:
    """Return vcl_fetch's part: a document is asked for each time, for its release may change; an asset never does."""
    return when(
        _IS_SITE, when(f"!({_KEPT})", act("return(pass)")), *stale, tag_page(), act("return(deliver)")
    )


def _match_any(mounts: Iterable[str]) -> str:
    below = "|".join(escape_pattern(mount.strip("/")) for mount in mounts)
    return f"^/(?:{below})(?:/|$)" if all(mount != "/" for mount in mounts) else "^/"
