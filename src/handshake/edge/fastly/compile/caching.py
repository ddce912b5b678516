"""Caching at Fastly: as the origin or a rule says, with tags, and stale while the origin is down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from hashlib import sha256

from handshake.core.hop_header import Hop
from handshake.edge.cache.cache import Purge, PurgedPage
from handshake.edge.fastly.compile.target import FastlyTarget
from handshake.edge.policy.actions import CacheAction
from handshake.edge.policy.expression import VariableRef
from handshake.edge.policy.policy import EdgePolicy, Rule
from handshake.edge.policy.variables import REQUEST_COOKIE, EdgeDialect
from handshake.syntax.fastly_vcl import quote, subroutine
from handshake.syntax.vcl import Act, Block, If, Statement, act, escape_pattern, when

_SHARED = f'req.http.{Hop.SHARED} && (req.method == "GET" || req.method == "HEAD")'
_PRIVATE = 'beresp.http.Cache-Control ~ "(?i)(no-store|private)" || beresp.http.Set-Cookie'
_BINDING = 'beresp.http.Cache-Control ~ "(?i)((must|proxy)-revalidate|s-maxage)"'
_PASS = act("return(pass)")


def met(rule: Rule) -> str:
    """Return the header that remembers that a request meets a rule."""
    return f"{Hop.MET}-{rule.name}"


def wish_caching(rule: Rule, cache: CacheAction) -> tuple[Statement, ...]:
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


def fetch(policy: EdgePolicy, *, has_sites: bool = False) -> Block:
    """Return vcl_fetch."""
    rules = [(rule, rule.action) for rule in policy.rules if isinstance(rule.action, CacheAction)]
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


def _keep_unmarked_out(rules: Sequence[tuple[Rule, CacheAction]]) -> tuple[Statement, ...]:
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


def _obey(rule: Rule, cache: CacheAction) -> If:
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
    """What a key names or a split has dealt goes on to the origin, whatever else is removed."""
    return (
        when(
            f"req.http.{Hop.COOKIE}",
            act(f'set req.http.Cookie = regsub(req.http.Cookie req.http.{Hop.COOKIE}, "^; ", "")'),
        ),
    )


def _tell_apart(reads: VariableRef) -> tuple[Act, ...]:
    """By a digest, so that no two keys look the same, whatever a visitor writes."""
    spelled = reads.spell(EdgeDialect.FASTLY)
    told = act(f'set req.http.{Hop.KEY} = req.http.{Hop.KEY} digest.hash_sha256({spelled}) "|"')
    if reads.variable is not REQUEST_COOKIE:
        return (told,)
    return told, act(f'set req.http.{Hop.COOKIE} = req.http.{Hop.COOKIE} "; {reads.key}=" {spelled}')


# Sites at Fastly: the ingress behind it knows their releases and routes them; Fastly keeps what the ingress says, and no rule else.

_IS_SITE = f"req.http.{Hop.SITE}"
_KEPT = 'beresp.ttl > 0s && beresp.http.Cache-Control ~ "(?i)max-age=[1-9]" && beresp.http.Cache-Control !~ "(?i)no-cache"'


def find_sites(target: FastlyTarget) -> tuple[Statement, ...]:
    """Return vcl_recv's part behind the rules: a site's file is kept by nobody's wish but the site's, as at the campaign."""
    mounts = target.mounts
    if not mounts:
        return ()
    wishes = (act(f"unset req.http.{name}") for name in (Hop.KEY, Hop.SHARED, Hop.TAGS))
    return (
        when(
            f"req.url.path ~ {quote(_match_any(mounts))}",
            act(f'set {_IS_SITE} = "1"'),
            *wishes,
            because=f"handshake.toml: routed by the ingress: {', '.join(mounts)}",
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


# Purges at Fastly: all of them by tag, so every page carries its own address as one more.


def tag_page() -> Act:
    """Return vcl_fetch's part: the page's address, as a digest, beside the tags of origin and rules."""
    # Fastly's own purge of an address would miss the other pages that a rule's key keeps at it.
    address = "digest.hash_sha256(req.http.Host req.url)"
    return act(f'set beresp.http.Surrogate-Key = beresp.http.Surrogate-Key " " {address}')


def tags_of(purge: Purge) -> tuple[str, ...]:
    """Return the tags under which Fastly keeps what should be forgotten."""
    return (*purge.tags, *(_tag_of(page) for page in purge.pages))


def _tag_of(page: PurgedPage) -> str:
    return sha256((page.host + page.path).encode()).hexdigest()
