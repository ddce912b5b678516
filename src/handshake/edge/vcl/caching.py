"""What rules say of caching: remembered with the request, kept with the answer."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.edge.adjust import Cache
from handshake.edge.dialect import Dialect
from handshake.edge.expression import Reads
from handshake.edge.variables import REQUEST_COOKIE
from handshake.syntax.vcl import Act, Block, Statement, act, quote, sub, when

_SHARED = f'req.http.{Hop.TTL} && (req.method == "GET" || req.method == "HEAD")'


def wish_caching(cache: Cache, key: tuple[Reads, ...]) -> tuple[Act, ...]:
    """Return vcl_recv's part of a rule: what the operator wants of the answer."""
    numbers = (
        (Hop.TTL, cache.ttl_seconds),
        (Hop.GRACE, cache.grace_seconds),
        (Hop.STALE_IF_ERROR, cache.stale_if_error_seconds),
    )
    return (
        *(act(f'set req.http.{name} = "{seconds}"') for name, seconds in numbers if seconds is not None),
        *((act(f"set req.http.{Hop.TAGS} = {quote(' '.join(cache.tags))}"),) if cache.tags else ()),
        *(statement for reads in key for statement in _tell_apart(reads)),
    )


def forget_wishes() -> tuple[Statement, ...]:
    """Return vcl_recv's part behind the rules: what is cached for everybody is fetched as for nobody.

    Of the cookies, only those that the key names are left: the others make no difference to who may see the answer.
    """
    return (
        act(f"unset req.http.{Hop.LISTS}"),
        act(f"unset req.http.{Hop.SWITCHES}"),
        when(f"req.http.{Hop.PASS}", act("return (pass)")),
        when(
            _SHARED,
            act("unset req.http.Authorization"),
            act("unset req.http.Cookie"),
            when(f"req.http.{Hop.COOKIE}", act(f"set req.http.Cookie = req.http.{Hop.COOKIE}")),
            act("return (hash)"),
        ),
    )


def hash_key() -> Statement:
    """Return vcl_hash's part."""
    return when(f"req.http.{Hop.KEY}", act(f"hash_data(req.http.{Hop.KEY})"))


def adjust_page() -> Block:
    """Return the subroutine that gives an answer the freshness and the labels that the rules want."""
    return sub(
        "adjust_page",
        when(
            f'bereq.http.{Hop.TTL} && !bereq.uncacheable && beresp.status < 500 && beresp.http.Cache-Control !~ "(?i)no-store|private"'
            " && !beresp.http.Set-Cookie",
            act(f'set beresp.ttl = std.duration(bereq.http.{Hop.TTL} + "s", 0s)'),
            act("unset beresp.http.Expires"),
            act(f'set beresp.http.Cache-Control = "public, max-age=" + bereq.http.{Hop.TTL}'),
        ),
        when(
            f"bereq.http.{Hop.TAGS}",
            act(f'set beresp.http.Surrogate-Key = beresp.http.Surrogate-Key + " " + bereq.http.{Hop.TAGS}'),
        ),
    )


def _tell_apart(reads: Reads) -> tuple[Act, ...]:
    """In hexadecimal, so that no two keys look the same, whatever a visitor writes."""
    spelled = reads.spell(Dialect.CACHE)
    coded = f'blob.transcode(IDENTITY, HEX, encoded="" + {spelled})'
    told = act(f'set req.http.{Hop.KEY} = req.http.{Hop.KEY} + {coded} + "|"')
    if reads.variable is not REQUEST_COOKIE:
        return (told,)
    cookie = f'req.http.{Hop.COOKIE} + "; {reads.key}=" + {spelled}'
    return told, act(f'set req.http.{Hop.COOKIE} = regsub({cookie}, "^; ", "")')
