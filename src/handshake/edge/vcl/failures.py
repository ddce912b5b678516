"""A page whose origin has just failed: for a while, nobody queues behind another try.

Varnish lets one visitor fetch while the others wait, and wakes them one after another where nothing was kept. With an
origin that fails slowly, the last of many would wait for the sum of all tries.
"""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.syntax.vcl import Block, Statement, act, sub, when

_MOMENT = "1s"
"""So long after a failure the origin is left alone."""
_SLOW = "2s"
"""A failure that took longer is a slow one; as a header holds whole seconds, so may be one of more than a second."""
_WHILE = "60s"
"""So long after a slow failure nobody waits for another try: it is made in the background."""
_NEVER_REACHED = 1_000_000
_SITE = f"http.{Hop.SITE}"
_BEGUN = f"bereq.http.{Hop.BEGUN}"

NOTE_FAILURE = act("call note_failure")
"""For the backend's side: the answer did not come, or says that the origin is broken."""


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
    """Return what begins the request anew, to be answered with the older page."""
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
