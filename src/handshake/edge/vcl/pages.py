"""Everything that is no site: fetched from the gateway, cached where the origin says so, stale while it is down."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.edge.vcl.failures import NOTE_FAILURE, forget_answer, has_failed, show_stale
from handshake.edge.vcl.freshness import WHILE, judge_staleness
from handshake.edge.vcl.room import hand_through, is_too_large
from handshake.edge.vcl.streams import pass_streams
from handshake.edge.vcl.tags import keep_tags
from handshake.syntax.vcl import Block, If, Statement, act, sub, when

_REMEMBERED_UNCACHEABLE = "10s"
"""So long requests for an uncacheable page do not queue behind one another. Each answer is remembered anew, in a kilobyte of
memory that nothing limits: whoever asks ten thousand times a second takes 100 MB, and took an hour's worth with `keep`."""

_FRESH_ENOUGH = f"std.duration(obj.http.{WHILE}, 0s)"
"""How long past its end a page is handed out while the new one is being fetched: as long as the origin allows."""


def hand_to_gateway() -> tuple[Statement, ...]:
    """Return vcl_recv's last part."""
    return (
        pass_streams(),
        when('req.method != "GET" && req.method != "HEAD"', act("return (pass)")),
        when("req.http.Authorization || req.http.Cookie", act("return (pass)")),
        act("return (hash)"),
    )


def look_again() -> tuple[Statement, ...]:
    """Return vcl_recv's part for a request that begins anew."""
    return (
        when(
            "req.restarts > 0",
            when(f'req.http.{Hop.STALE} == "kept"', act("set req.grace = 0s")),
            # Varnish keeps the shorter one through a restart; the page's own grace limits this.
            when(f'req.http.{Hop.STALE} == "used"', act("set req.grace = 365d")),
            act("return (hash)"),
        ),
    )


def try_for_fresh() -> Statement:
    """Return vcl_hit's part: a page that ended a while ago is shown only once the origin has failed."""
    return when(
        "obj.ttl <= 0s",
        act(f'set req.http.{Hop.CACHE} = "stale"'),
        when(
            f"obj.ttl + {_FRESH_ENOUGH} <= 0s && !req.http.{Hop.STALE} && !req.http.{Hop.SITE}",
            when(has_failed(), act("return (deliver)")),
            act(f'set req.http.{Hop.STALE} = "kept"'),
            act("return (restart)"),
        ),
    )


def retreat_to_stale() -> Statement:
    """Return vcl_deliver's part: the origin has failed, and an older page is at hand."""
    return when(f'resp.status >= 500 && req.http.{Hop.STALE} == "kept"', *show_stale())


def keep_page(grace_seconds: int, storage_megabytes: int) -> Block:
    """Return the subroutine of vcl_backend_response for pages."""
    return sub(
        "keep_page",
        when("beresp.status >= 500 && bereq.is_bgfetch", NOTE_FAILURE, act("return (abandon)")),
        when("bereq.uncacheable", act("return (deliver)")),
        _doubt_other_validator(),
        # Whatever answer Varnish accepts takes the place of the older page, even one that it does not keep.
        when(f"beresp.status >= 500 && bereq.http.{Hop.STALE}", act("return (error(503))")),
        when(
            "beresp.status >= 500",
            NOTE_FAILURE,
            *forget_answer(),
            act("return (deliver)"),
        ),
        act("call judge_freshness"),
        when(
            "beresp.ttl <= 0s",
            act("set beresp.uncacheable = true"),
            act(f"set beresp.ttl = {_REMEMBERED_UNCACHEABLE}"),
            act("set beresp.grace = 0s"),
            act("set beresp.keep = 0s"),
            act("return (deliver)"),
        ),
        act("unset beresp.http.Set-Cookie"),
        when(is_too_large(storage_megabytes), *hand_through()),
        *judge_staleness(grace_seconds),
        *keep_tags(),
        act("return (deliver)"),
    )


def _doubt_other_validator() -> If:
    """Ask for the whole page where "not modified" speaks of another one than the one that was asked about."""
    return when(
        "beresp.was_304 && beresp.http.ETag && bereq.http.If-None-Match && bereq.retries == 0"
        f" && {_name_strongly('beresp.http.ETag')} != {_name_strongly('bereq.http.If-None-Match')}",
        act("unset bereq.http.If-None-Match"),
        act("unset bereq.http.If-Modified-Since"),
        act("return (retry)"),
    )


def _name_strongly(tag: str) -> str:
    # Varnish marks as weak the tag of what it has compressed.
    return f'regsub({tag}, "^W/", "")'
