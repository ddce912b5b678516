"""What rules say of caching: remembered with the request, kept with the answer."""

from __future__ import annotations

from handshake.edge.adjust import Cache
from handshake.edge.dialect import Dialect
from handshake.edge.expression import Reads
from handshake.edge.variables import REQUEST_COOKIE
from handshake.syntax.vcl import Act, Block, Statement, act, quote, sub, when

_SHARED = 'req.http.X-HS-Ttl && (req.method == "GET" || req.method == "HEAD")'


def wish_caching(cache: Cache, key: tuple[Reads, ...]) -> tuple[Act, ...]:
    """Return vcl_recv's part of a rule: what the operator wants of the answer."""
    numbers = (
        ("X-HS-Ttl", cache.ttl_seconds),
        ("X-HS-Grace", cache.grace_seconds),
        ("X-HS-Stale-If-Error", cache.stale_if_error_seconds),
    )
    return (
        *(act(f'set req.http.{name} = "{seconds}"') for name, seconds in numbers if seconds is not None),
        *((act(f"set req.http.X-HS-Tags = {quote(' '.join(cache.tags))}"),) if cache.tags else ()),
        *(statement for reads in key for statement in _tell_apart(reads)),
    )


def forget_wishes() -> tuple[Statement, ...]:
    """Return vcl_recv's part behind the rules: what is cached for everybody is fetched as for nobody.

    Of the cookies, only those that the key names are left: the others make no difference to who may see the answer.
    """
    return (
        act("unset req.http.X-HS-Lists"),
        act("unset req.http.X-HS-Switches"),
        when("req.http.X-HS-Pass", act("return (pass)")),
        when(
            _SHARED,
            act("unset req.http.Authorization"),
            act("unset req.http.Cookie"),
            when("req.http.X-HS-Cookie", act("set req.http.Cookie = req.http.X-HS-Cookie")),
            act("return (hash)"),
        ),
    )


def hash_key() -> Statement:
    """Return vcl_hash's part."""
    return when("req.http.X-HS-Key", act("hash_data(req.http.X-HS-Key)"))


def adjust_page() -> Block:
    """Return the subroutine that gives an answer the freshness and the labels that the rules want."""
    return sub(
        "adjust_page",
        when(
            'bereq.http.X-HS-Ttl && !bereq.uncacheable && beresp.status < 500 && beresp.http.Cache-Control !~ "(?i)no-store|private"'
            " && !beresp.http.Set-Cookie",
            act('set beresp.ttl = std.duration(bereq.http.X-HS-Ttl + "s", 0s)'),
            act("unset beresp.http.Expires"),
            act('set beresp.http.Cache-Control = "public, max-age=" + bereq.http.X-HS-Ttl'),
        ),
        when(
            "bereq.http.X-HS-Tags",
            act('set beresp.http.Surrogate-Key = beresp.http.Surrogate-Key + " " + bereq.http.X-HS-Tags'),
        ),
    )


def _tell_apart(reads: Reads) -> tuple[Act, ...]:
    """In hexadecimal, so that no two keys look the same, whatever a visitor writes."""
    spelled = reads.spell(Dialect.CACHE)
    coded = f'blob.transcode(IDENTITY, HEX, encoded="" + {spelled})'
    told = act(f'set req.http.X-HS-Key = req.http.X-HS-Key + {coded} + "|"')
    if reads.variable is not REQUEST_COOKIE:
        return (told,)
    cookie = f'req.http.X-HS-Cookie + "; {reads.key}=" + {spelled}'
    return told, act(f'set req.http.X-HS-Cookie = regsub({cookie}, "^; ", "")')
