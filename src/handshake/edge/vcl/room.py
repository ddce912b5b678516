"""Answers too large for the cache: handed through to each visitor, instead of breaking off when its storage is full."""

from __future__ import annotations

from handshake.syntax.vcl import Act, act

_SHARE = 4
"""At most a quarter of the storage for one answer: the rest of the cache stays useful, and a few can be fetched at once."""
_REMEMBERED = "10s"
"""For so long, visitors of a large answer do not wait for one another to find out that it is large."""


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
