"""What a service is told, and what it may say: the words of the edge's own programs to one another end at the gateway."""

from __future__ import annotations

from handshake.syntax.haproxy import Line, line

_FOR_SERVICES = ("client", "country")
"""Of the edge's `X-HS-*`; docs/gateway.md names them, and what else a service may read."""
_INNER = rf"^(x-hs-(?!({'|'.join(_FOR_SERVICES)})$)|x-varnish$|via$)"
"""HAProxy has names in small letters. What `Via` says is Varnish's own: a visitor's has been taken off at the door."""
_OF_SERVICES = r"^x-hs-(?!content$)"
"""A renderer says in `X-HS-Content` that a page is as it was. All others would be taken for the cache's own words."""


def hide_inner_headers() -> Line:
    """Return the line that takes off what only door and cache have a use for."""
    return line("http-request", "del-header", _INNER, "-m", "reg")


def refuse_forged_words() -> Line:
    """Return the line that takes off an answer what only the cache may say to the door."""
    return line("http-response", "del-header", _OF_SERVICES, "-m", "reg")
