"""What becomes of answers at Fastly: kept where origin or rule says so, stale while the origin is down."""

from __future__ import annotations

from collections.abc import Sequence

from handshake.core.hop_header import Hop
from handshake.edge.adjust import Cache
from handshake.edge.dialect import Dialect
from handshake.edge.expression import Reads
from handshake.edge.fastly.purging import tag_page
from handshake.edge.fastly.sites import keep_site_file
from handshake.edge.policy import Policy, Rule
from handshake.edge.variables import REQUEST_COOKIE
from handshake.syntax.fastly_vcl import quote, subroutine
from handshake.syntax.vcl import Act, Block, If, Statement, act, when

_SHARED = f'req.http.{Hop.SHARED} && (req.method == "GET" || req.method == "HEAD")'
_PRIVATE = 'beresp.http.Cache-Control ~ "(?i)(no-store|private)" || beresp.http.Set-Cookie'
_BINDING = 'beresp.http.Cache-Control ~ "(?i)((must|proxy)-revalidate|s-maxage)"'
_PASS = act("return(pass)")


def met(rule: Rule) -> str:
    """Return the header that remembers that a request meets a rule."""
    return f"{Hop.MET}-{rule.name}"


def wish_caching(rule: Rule, cache: Cache) -> tuple[Statement, ...]:
    """Return vcl_recv's part of a rule: what the operator wants of the answer."""
    return (
        act(f'set req.http.{met(rule)} = "1"'),
        *((act(f'set req.http.{Hop.SHARED} = "1"'),) if cache.ttl_seconds is not None else ()),
        *((act(f"set req.http.{Hop.TAGS} = {quote(' '.join(cache.tags))}"),) if cache.tags else ()),
        *(statement for reads in rule.reads for statement in _tell_apart(reads)),
    )


def look_up() -> tuple[Statement, ...]:
    """Return the end of vcl_recv: what may be looked up in the cache at all."""
    return (
        when(f"req.http.{Hop.PASS}", *_restore_cookie(), _PASS),
        when(
            _SHARED,
            act("unset req.http.Authorization"),
            act("unset req.http.Cookie"),
            *_restore_cookie(),
            act("return(lookup)"),
        ),
        when('req.method != "GET" && req.method != "HEAD"', *_restore_cookie(), _PASS),
        when("req.http.Authorization || req.http.Cookie", *_restore_cookie(), _PASS),
        *_restore_cookie(),
        act("return(lookup)"),
    )


def hash_request() -> Block:
    """Return vcl_hash."""
    return subroutine(
        "hash",
        act("set req.hash += req.url"),
        act("set req.hash += req.http.Host"),
        when(f"req.http.{Hop.KEY}", act(f"set req.hash += req.http.{Hop.KEY}")),
        act("return(hash)"),
    )


def fetch(policy: Policy, *, has_sites: bool = False) -> Block:
    """Return vcl_fetch."""
    rules = [(rule, rule.action) for rule in policy.rules if isinstance(rule.action, Cache)]
    return subroutine(
        "fetch",
        when(
            "beresp.status >= 500 && beresp.status < 600",
            when("stale.exists", act("return(deliver_stale)")),
            act("set beresp.cacheable = false"),
            act("return(deliver)"),
        ),
        when(f'req.http.{Hop.PASS} || (req.method != "GET" && req.method != "HEAD") || {_PRIVATE}', _PASS),
        when('beresp.http.Vary ~ "[*]"', _PASS),
        *((keep_site_file(_keep_stale(policy.grace_seconds)),) if has_sites else ()),
        *_keep_unmarked_out(rules),
        *_keep_stale(policy.grace_seconds),
        *(_obey(rule, cache) for rule, cache in rules),
        when(
            f"req.http.{Hop.TAGS}",
            act(f'set beresp.http.Surrogate-Key = beresp.http.Surrogate-Key " " req.http.{Hop.TAGS}'),
        ),
        tag_page(),
        act("return(deliver)"),
    )


def _keep_unmarked_out(rules: Sequence[tuple[Rule, Cache]]) -> tuple[Statement, ...]:
    """What neither the origin nor a rule calls cacheable is nobody else's; Fastly would keep it for an hour."""
    timed = [rule for rule, cache in rules if cache.ttl_seconds is not None]
    unless = "".join(f" && !req.http.{met(rule)}" for rule in timed)
    unmarked = (
        '!beresp.http.Expires && beresp.http.Surrogate-Control !~ "max-age="'
        ' && beresp.http.Cache-Control !~ "(?i)max-age="'
    )
    forbidden = 'beresp.http.Surrogate-Control !~ "max-age=" && beresp.http.Cache-Control ~ "(?i)no-cache"'
    return when(f"({unmarked}){unless}", _PASS), when(f"({forbidden}){unless}", _PASS)


def _keep_stale(grace_seconds: int) -> tuple[Statement, ...]:
    """Fastly reads stale-if-error and stale-while-revalidate itself; where the origin says nothing, the policy does."""
    return (
        when(
            f'beresp.http.Cache-Control !~ "(?i)stale-if-error" && !({_BINDING})',
            act(f"set beresp.stale_if_error = {grace_seconds}s"),
        ),
    )


def _obey(rule: Rule, cache: Cache) -> If:
    seconds = (
        ("ttl", cache.ttl_seconds),
        ("stale_while_revalidate", cache.grace_seconds),
        ("stale_if_error", cache.stale_if_error_seconds),
    )
    told = [act(f"set beresp.{name} = {number}s") for name, number in seconds if number is not None]
    if cache.ttl_seconds is not None:
        told += [
            act("unset beresp.http.Expires"),
            act(f'set beresp.http.Cache-Control = "public, max-age={cache.ttl_seconds}"'),
        ]
    body = told or [act("set beresp.ttl = beresp.ttl")]
    return when(f"req.http.{met(rule)}", *body, because=rule.because)


def _restore_cookie() -> tuple[Act | If, ...]:
    """What a key names or a split has dealt goes on to the origin, whatever else is taken off."""
    return (
        when(
            f"req.http.{Hop.COOKIE}",
            act(f'set req.http.Cookie = regsub(req.http.Cookie req.http.{Hop.COOKIE}, "^; ", "")'),
        ),
    )


def _tell_apart(reads: Reads) -> tuple[Act, ...]:
    """By a digest, so that no two keys look the same, whatever a visitor writes."""
    spelled = reads.spell(Dialect.FASTLY)
    told = act(f'set req.http.{Hop.KEY} = req.http.{Hop.KEY} digest.hash_sha256({spelled}) "|"')
    if reads.variable is not REQUEST_COOKIE:
        return (told,)
    return told, act(f'set req.http.{Hop.COOKIE} = req.http.{Hop.COOKIE} "; {reads.key}=" {spelled}')
