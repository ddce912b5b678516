"""Query strings: what a site names tells apart what the cache keeps; everything else is for the door's log alone."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.core.site_contract import SiteContract
from handshake.syntax.vcl import Statement, act, escape_pattern, quote, when

_QUERY = f"req.http.{Hop.QUERY}"


def pick_query(contract: SiteContract) -> tuple[Statement, ...]:
    """Return vcl_recv's part: the parameters that the release names, in one order."""
    if not contract.query:
        return ()
    names = "|".join(escape_pattern(name) for name in contract.query)
    others = rf"(^|&)(?!(?:{names})(?:=|&|$))[^&]*"
    picked = f'regsuball(regsub(std.querysort(req.url), "^[^?]*\\??", ""), {quote(others)}, "")'
    return (
        act(f'set {_QUERY} = regsub({picked}, "^&+", "")'),
        when(f'{_QUERY} == ""', act(f"unset {_QUERY}")),
    )


def hash_query() -> Statement:
    """Return vcl_hash's part."""
    return when(_QUERY, act('hash_data("query")'), act(f"hash_data({_QUERY})"))
