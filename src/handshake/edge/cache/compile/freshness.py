"""How long a page may be cached: the origin's headers, interpreted according to RFC 9111."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.syntax.vcl import Act, Block, Branch, If, act, sub, when

WHILE = Hop.WHILE
"""Stored with a page: how long after expiry it is served while a new one is fetched."""

_NOT_FOR_US = "(^|[, ])(no-store|no-cache|private)"
_BINDING = "(^|[, ])((must|proxy)-revalidate|s-maxage)"
"""RFC 9111, 5.2.2: after expiry, such a page is not served before the origin was asked."""
_LISTED = ("Age", "Cache-Control", "Surrogate-Control", "Vary")
"""RFC 9110, 5.3: several lines of one name are one list. Varnish reads only the first."""


def judge_freshness() -> Block:
    """Return the subroutine of vcl_backend_response that sets a page's end to zero where it must not be kept."""
    return sub(
        "judge_freshness",
        *(act(f"std.collect(beresp.http.{name})") for name in _LISTED),
        when(f'beresp.http.Cache-Control ~ "(?i){_NOT_FOR_US}"', _end()),
        # RFC 9111, 4.1: a star among the names means that no two requests are alike.
        when(r'beresp.http.Vary ~ "\*"', _end()),
        # RFC 9111, 5.1: an age that is no number says nothing, and a page of unknown age is not fresh.
        when('beresp.http.Age && beresp.http.Age !~ "^[0-9]+$"', _end()),
        _measure_by_the_origins_clock(),
        _obey_surrogate_control(),
    )


def judge_staleness(grace_seconds: int) -> tuple[Act | If, ...]:
    """Return the part of vcl_backend_response that says what may become of a page after its end."""
    return (
        act(f"set beresp.grace = {grace_seconds}s"),
        when(f'beresp.http.Cache-Control ~ "(?i){_BINDING}"', act("set beresp.grace = 0s")),
        _take_seconds("stale-if-error", 'set beresp.grace = std.duration({seconds} + "s", 0s)'),
        act(f"unset beresp.http.{WHILE}"),
        _take_seconds("stale-while-revalidate", f'set beresp.http.{WHILE} = {{seconds}} + "s"'),
        *_obey_rules(),
    )


def _end() -> Act:
    return act("set beresp.ttl = 0s")


def _measure_by_the_origins_clock() -> If:
    """RFC 9111, 4.2.1: without max-age, a page lives from its own Date to its Expires, whatever our clock says."""
    lifetime = "std.time(beresp.http.Expires, now) - std.time(beresp.http.Date, now)"
    return when(
        'beresp.ttl > 0s && beresp.http.Expires && beresp.http.Cache-Control !~ "(?i)(max-age|s-maxage)="',
        act(f"set beresp.ttl = {lifetime} - beresp.age"),
    )


def _obey_surrogate_control() -> If:
    """The origin's word to caches like this one goes before its word to everybody."""
    kept = r'regsub(beresp.http.Surrogate-Control, "(?i)^.*max-age=([0-9]+)(\+[0-9]+)?.*$", "\1")'
    return If(
        branches=(
            Branch(condition='beresp.http.Surrogate-Control ~ "(?i)no-store"', body=(_end(),)),
            Branch(
                condition='beresp.http.Surrogate-Control ~ "(?i)max-age=[0-9]"',
                body=(act(f'set beresp.ttl = std.duration({kept} + "s", 0s) - beresp.age'),),
            ),
        )
    )


def _obey_rules() -> tuple[If, ...]:
    """What a rule of the policy says goes before what the origin says."""
    allowed = f"std.duration(beresp.http.{WHILE}, 0s)"
    return (
        when(
            f"bereq.http.{Hop.STALE_IF_ERROR}",
            act(f'set beresp.grace = std.duration(bereq.http.{Hop.STALE_IF_ERROR} + "s", 0s)'),
        ),
        when(f"bereq.http.{Hop.GRACE}", act(f'set beresp.http.{WHILE} = bereq.http.{Hop.GRACE} + "s"')),
        # Varnish forgets a page at the end of its grace.
        when(f"beresp.grace < {allowed}", act(f"set beresp.grace = {allowed}")),
    )


def _take_seconds(directive: str, statement: str) -> If:
    seconds = f'regsub(beresp.http.Cache-Control, "(?i)^.*{directive}=([0-9]+).*$", "\\1")'
    return when(
        f'beresp.http.Cache-Control ~ "(?i){directive}=[0-9]"', act(statement.replace("{seconds}", seconds))
    )
