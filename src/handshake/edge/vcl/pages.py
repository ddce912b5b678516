"""Everything that is no site: fetched from the gateway, cached where the origin says so, stale while it is down."""

from __future__ import annotations

from handshake.syntax.vcl import Block, Statement, act, sub, when

_FRESH_ENOUGH = "2s"
"""So long after its end a page is still handed out while the new one is being fetched."""
_REMEMBERED_UNCACHEABLE = "120s"
"""So long requests for an uncacheable page do not queue behind one another."""

_NOT_FOR_US = "no-store|no-cache|private"


def hand_to_gateway() -> tuple[Statement, ...]:
    """Return vcl_recv's last part."""
    return (
        when('req.method != "GET" && req.method != "HEAD"', act("return (pass)")),
        when("req.http.Authorization || req.http.Cookie", act("return (pass)")),
        act("return (hash)"),
    )


def look_again() -> tuple[Statement, ...]:
    """Return vcl_recv's part for a request that begins anew."""
    return (
        when(
            "req.restarts > 0",
            when('req.http.X-HS-Stale == "kept"', act(f"set req.grace = {_FRESH_ENOUGH}")),
            # Varnish keeps the shorter one through a restart; the page's own grace limits this.
            when('req.http.X-HS-Stale == "used"', act("set req.grace = 365d")),
            act("return (hash)"),
        ),
    )


def try_for_fresh() -> Statement:
    """Return vcl_hit's part: a page that ended a while ago is shown only once the origin has failed."""
    return when(
        "obj.ttl <= 0s",
        act('set req.http.X-HS-Cache = "stale"'),
        when(
            f"obj.ttl + {_FRESH_ENOUGH} <= 0s && !req.http.X-HS-Stale && !req.http.X-HS-Site",
            act('set req.http.X-HS-Stale = "kept"'),
            act("return (restart)"),
        ),
    )


def retreat_to_stale() -> Statement:
    """Return vcl_deliver's part: the origin has failed, and an older page is at hand."""
    return when(
        'resp.status >= 500 && req.http.X-HS-Stale == "kept"',
        act('set req.http.X-HS-Stale = "used"'),
        act("return (restart)"),
    )


def keep_page(grace_seconds: int) -> Block:
    """Return the subroutine of vcl_backend_response for pages."""
    return sub(
        "keep_page",
        when("beresp.status >= 500 && bereq.is_bgfetch", act("return (abandon)")),
        when("bereq.uncacheable", act("return (deliver)")),
        when(
            "beresp.status >= 500",
            act("set beresp.uncacheable = true"),
            act("set beresp.ttl = 0s"),
            act("return (deliver)"),
        ),
        when(
            f'beresp.ttl <= 0s || beresp.http.Cache-Control ~ "(?i)({_NOT_FOR_US})" || beresp.http.Vary == "*"',
            act("set beresp.uncacheable = true"),
            act(f"set beresp.ttl = {_REMEMBERED_UNCACHEABLE}"),
            act("return (deliver)"),
        ),
        act("unset beresp.http.Set-Cookie"),
        act(f"set beresp.grace = {grace_seconds}s"),
        when('beresp.http.Cache-Control ~ "(?i)(must|proxy)-revalidate"', act("set beresp.grace = 0s")),
        act("return (deliver)"),
    )
