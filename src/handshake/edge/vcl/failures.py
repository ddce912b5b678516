"""A page whose origin has just failed: for a moment, nobody queues behind another try.

Varnish lets one visitor fetch while the others wait, and wakes them one after another where nothing was kept. With an
origin that fails slowly, the last of many would wait for the sum of all tries.
"""

from __future__ import annotations

from handshake.syntax.vcl import Block, Statement, act, sub, when

_MOMENT = "1s"
_NEVER_REACHED = 1_000_000


def has_just_failed(request: str) -> str:
    """Return the condition under which `req` or `bereq` asks for a page whose origin has just failed."""
    page = _name(request)
    # A question leaves a record behind, which only `is_denied` clears away: so one is asked that never denies.
    return (
        f"!vsthrottle.is_denied({page}, {_NEVER_REACHED}, {_MOMENT})"
        f" && vsthrottle.remaining({page}, 1, {_MOMENT}) == 0"
    )


NOTE_FAILURE = act("call note_failure")
"""For the backend's side: the answer did not come, or says that the origin is broken."""


def describe_noting() -> Block:
    """Return the subroutine that remembers for a moment that a page's origin has failed."""
    return sub(
        "note_failure",
        when(
            f"!bereq.uncacheable && vsthrottle.is_denied({_name('bereq')}, 1, {_MOMENT})",
            act('set bereq.http.X-HS-Failed = "again"'),
        ),
    )


def leave_queue() -> Statement:
    """Return vcl_miss's part: who has an older page gets it, the others ask side by side."""
    return when(
        f"!req.http.X-HS-Site && {has_just_failed('req')}",
        when('req.http.X-HS-Stale == "kept"', *show_stale()),
        act("return (pass)"),
    )


def leave_origin_alone() -> Statement:
    """Return vcl_backend_fetch's part: a stale page is not fetched in the background, where others would wait for that."""
    return when(
        f"bereq.is_bgfetch && !bereq.http.X-HS-Site && {has_just_failed('bereq')}", act("return (abandon)")
    )


def forget_answer() -> tuple[Statement, ...]:
    """Return the backend's part that hands an answer to who asked, and keeps nothing of it."""
    return act("set beresp.uncacheable = true"), act("set beresp.ttl = 0s")


def keep_failure() -> tuple[Statement, ...]:
    """Return the backend's part for a site's file: those who wait share the failure, and get the release before."""
    return act("set beresp.ttl = 1s"), act("set beresp.grace = 0s")


def show_stale() -> tuple[Statement, ...]:
    """Return what begins the request anew, to be answered with the older page."""
    return act('set req.http.X-HS-Stale = "used"'), act("return (restart)")


def _name(request: str) -> str:
    return f"{request}.http.Host + {request}.url"
