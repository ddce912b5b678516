"""A request and the live data as rules see them, and the headers that the ingress strips from every request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from handshake.core.hop_header import ARM_PREFIX, HOP_PREFIX
from handshake.edge.policy.networks import Network
from handshake.edge.policy.variables import UNKNOWN_COUNTRY, UNKNOWN_NETWORK


@dataclass(frozen=True, kw_only=True)
class Request:
    """What rules can know about one request."""

    client: str
    country: str = UNKNOWN_COUNTRY
    asn: int = UNKNOWN_NETWORK
    rate: int = 1
    """Requests of this client in the last ten seconds, including this one."""
    method: str = "GET"
    host: str = ""
    path: str = "/"
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case; without those that the ingress strips."""
    arms: Mapping[str, str] = field(default_factory=dict)
    """By rule with `split`: the visitor's arm."""

    @property
    def size(self) -> int:
        """The announced length of the body; 0 if none was announced."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isdecimal() else 0

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name; for duplicates, the last one, up to the next semicolon."""
        pairs = (part.lstrip(" ").partition("=") for part in self.headers.get("cookie", "").split(";"))
        return {name: value for name, equals, value in pairs if equals}


@dataclass(frozen=True, kw_only=True)
class LiveData:
    """The current switches and lists, and the limits that the client has exceeded."""

    switches_on: frozenset[str] = frozenset()
    lists: Mapping[str, tuple[Network, ...]] = field(default_factory=dict)
    text_lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    exceeded: frozenset[str] = frozenset()
    """Rules with `limit` whose limit is exceeded."""


# Request headers with which others claim to know the client: the ingress strips them from every request.

PREFIXES = ("cf-", "fastly-", ARM_PREFIX.lower(), "x-forwarded-", HOP_PREFIX.lower(), "x-original-")
"""Name prefixes; our own headers (`Hop`, and the arms for the origin) are set again behind the ingress."""

NAMES = (
    "client-ip",
    "fly-client-ip",
    "forwarded",
    "proxy",
    "proxy-client-ip",
    "true-client-ip",
    "via",
    "wl-proxy-client-ip",
    "x-azure-clientip",
    "x-client-ip",
    "x-cluster-client-ip",
    "x-host",
    "x-http-method",
    "x-http-method-override",
    "x-method-override",
    "x-originating-ip",
    "x-real-ip",
    "x-remote-addr",
    "x-remote-ip",
    "x-request-id",
    "x-rewrite-url",
)


def is_stripped(header: str) -> bool:
    """Return whether the ingress strips this header; names with an underscore are always stripped."""
    name = header.lower()
    return name in NAMES or name.startswith(PREFIXES) or "_" in name
