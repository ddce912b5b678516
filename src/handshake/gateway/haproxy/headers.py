"""What a service is told, and what it may say: the words of the edge's own programs to one another end at the gateway."""

from __future__ import annotations

from handshake.core.hop_header import HOP_PREFIX, Hop
from handshake.syntax.haproxy import Line, line

_PREFIX = HOP_PREFIX.lower()
_FOR_SERVICES = (Hop.CLIENT, Hop.COUNTRY)
"""Of the edge's own headers; docs/gateway.md names them, and what else a service may read."""
_SPARED = "|".join(name.lower().removeprefix(_PREFIX) for name in _FOR_SERVICES)
_INNER = rf"^({_PREFIX}(?!({_SPARED})$)|x-varnish$|via$)"
"""HAProxy has names in small letters. What `Via` says is Varnish's own: a visitor's has been taken off at the door."""
_OF_SERVICES = rf"^{_PREFIX}(?!{Hop.CONTENT.lower().removeprefix(_PREFIX)}$)"
"""A renderer says in `Hop.CONTENT` that a page is as it was. All others would be taken for the cache's own words."""


def hide_inner_headers() -> Line:
    """Return the line that takes off what only door and cache have a use for."""
    return line("http-request", "del-header", _INNER, "-m", "reg")


def refuse_forged_words() -> Line:
    """Return the line that takes off an answer what only the cache may say to the door."""
    return line("http-response", "del-header", _OF_SERVICES, "-m", "reg")
