"""Everything that is not a site: fetched from the gateway, streamed if necessary, served stale while its origin fails."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.edge.cache.compile.freshness import WHILE, judge_staleness
from handshake.edge.cache.compile.tags import keep_tags
from handshake.syntax.vcl import Act, Block, If, Statement, act, sub, when

_REMEMBERED_UNCACHEABLE = "10s"
"""How long requests for an uncacheable page do not queue behind one another. Each answer takes a kilobyte of
memory without a limit: ten thousand requests a second take 100 MB, and took an hour's worth with `keep`."""

_FRESH_ENOUGH = f"std.duration(obj.http.{WHILE}, 0s)"
"""How long after expiry a page is served while a new one is fetched: as long as the origin allows."""


def hand_to_gateway() -> tuple[Statement, ...]:
    """Return vcl_recv's last part."""
    return (
        pass_streams(),
        when('req.method != "GET" && req.method != "HEAD"', act("return (pass)")),
        when("req.http.Authorization || req.http.Cookie", act("return (pass)")),
        act("return (hash)"),
    )


def look_again() -> tuple[Statement, ...]:
    """Return vcl_recv's part for a request that begins again."""
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


# A page whose origin has just failed: for a while, nobody queues behind another try.
#
# Varnish lets one visitor fetch while the others wait, and wakes them one after another where nothing was kept. With an
# origin that fails slowly, the last of many would wait for the sum of all tries.

_MOMENT = "1s"
"""How long the origin is left alone after a failure."""
_SLOW = "2s"
"""A failure that took longer is a slow one; as a header holds whole seconds, so may be one of more than a second."""
_WHILE = "60s"
"""How long after a slow failure retries run only in the background."""
_NEVER_REACHED = 1_000_000
_SITE = f"http.{Hop.SITE}"
_BEGUN = f"bereq.http.{Hop.BEGUN}"

NOTE_FAILURE = act("call note_failure")
"""For the backend's side: there was no answer, or it reports that the origin is broken."""


def describe_noting() -> Block:
    """Return the subroutine that remembers that a page's origin has failed, and whether that took long."""
    return sub(
        "note_failure",
        when(
            "!bereq.uncacheable",
            act(f"set bereq.http.{Hop.FAILED} = vsthrottle.is_denied({_name('bereq')}, 1, {_MOMENT})"),
            when(
                f"now - std.time({_BEGUN}, now) > {_SLOW}",
                act(f"set bereq.http.{Hop.FAILED} = vsthrottle.is_denied({_name('bereq')}, 1, {_WHILE})"),
            ),
        ),
    )


def has_failed() -> str:
    """Return the condition under which a visitor of a stale page does not wait for another try."""
    return f"{_ask('req')} && ({_is_noted('req', _MOMENT)} || {_is_noted('req', _WHILE)})"


def leave_queue() -> Statement:
    """Return vcl_miss's part: who has an older page gets it, the others ask side by side."""
    return when(
        f"!req.{_SITE} && {_has_just_failed('req')}",
        when(f'req.http.{Hop.STALE} == "kept"', *show_stale()),
        act("return (pass)"),
    )


def begin_fetch() -> Statement:
    """Return vcl_backend_fetch's part for pages: a stale one is not fetched in the background where that has just failed."""
    return when(
        f"!bereq.{_SITE}",
        act(f"set {_BEGUN} = now"),
        when(f"bereq.is_bgfetch && {_has_just_failed('bereq')}", act("return (abandon)")),
    )


def forget_answer() -> tuple[Statement, ...]:
    """Return the backend's part that hands an answer to who asked, and keeps nothing of it."""
    return act("set beresp.uncacheable = true"), act("set beresp.ttl = 0s")


def keep_failure() -> tuple[Statement, ...]:
    """Return the backend's part for a site's file: those who wait share the failure, and get the release before."""
    return act("set beresp.ttl = 1s"), act("set beresp.grace = 0s")


def show_stale() -> tuple[Statement, ...]:
    """Return what begins the request again, to be answered with the older page."""
    return act(f'set req.http.{Hop.STALE} = "used"'), act("return (restart)")


def _has_just_failed(request: str) -> str:
    return f"{_ask(request)} && {_is_noted(request, _MOMENT)}"


def _ask(request: str) -> str:
    # A question leaves a record behind, which only `is_denied` clears away: so one is asked that never denies.
    return f"!vsthrottle.is_denied({_name(request)}, {_NEVER_REACHED}, {_MOMENT})"


def _is_noted(request: str, period: str) -> str:
    return f"vsthrottle.remaining({_name(request)}, 1, {period}) == 0"


def _name(request: str) -> str:
    return f"{request}.http.Host + {request}.url"


# Connections that last: WebSockets are handed through as they are, event streams are passed on as they come.

_LONGEST = "1h"
"""The maximum duration of a streamed answer; all others have a minute."""


def hand_through_sockets() -> tuple[Statement, ...]:
    """Return vcl_recv's part behind the rules: from here on nobody but client and instance reads what is said.

    The ingress gives such a request a connection of its own, which it never uses for another one.
    """
    return (when('req.http.Upgrade ~ "(?i)^websocket$" && req.method == "GET"', act("return (pipe)")),)


def upgrade_pipe() -> Block:
    """Return vcl_pipe: Varnish removes what concerns one connection only, and this concerns the whole way."""
    return sub(
        "vcl_pipe",
        act('set bereq.http.Connection = "Upgrade"'),
        act("set bereq.http.Upgrade = req.http.Upgrade"),
        act(f"unset bereq.http.{Hop.LISTS}"),
        act(f"unset bereq.http.{Hop.SWITCHES}"),
        act("return (pipe)"),
    )


def pass_streams() -> Statement:
    """Return vcl_recv's part: who asks for events waits for nobody else's."""
    return when('req.http.Accept ~ "(?i)text/event-stream"', act("return (pass)"))


def let_streams_last() -> Statement:
    """Return vcl_deliver's part: a stream is no answer that is stuck."""
    return when(
        'resp.http.Content-Type ~ "(?i)^text/event-stream"', act(f"set sess.send_timeout = {_LONGEST}")
    )


# Answers too large for the cache: handed through to each visitor, instead of breaking off when its storage is full.

_SHARE = 4
"""At most a quarter of the storage for one answer: the rest of the cache stays useful, and a few can be fetched at once."""
_REMEMBERED = "10s"
"""How long visitors of a large answer do not wait for one another to find out that it is large."""


def is_too_large(storage_megabytes: int) -> str:
    """Return the condition under which an answer is not kept; one that does not tell its length is not known to be."""
    largest = storage_megabytes * 1024 * 1024 // _SHARE
    return f"std.integer(beresp.http.Content-Length, 0) > {largest}"


def hand_through() -> tuple[Act, ...]:
    """Return what ends the answer: nobody else gets it, and the next visitors ask side by side."""
    return (
        act("set beresp.uncacheable = true"),
        act(f"set beresp.ttl = {_REMEMBERED}"),
        act("set beresp.grace = 0s"),
        act("set beresp.keep = 0s"),
        act("return (deliver)"),
    )
