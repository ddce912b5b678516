"""A request and the live data as the rules know them, and the headers that the ingress strips from every request."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from handshake.core.hop_header import ARM_PREFIX, HOP_PREFIX
from handshake.edge.policy.networks import Network
from handshake.edge.policy.variables import UNKNOWN_COUNTRY, UNKNOWN_NETWORK


@dataclass(frozen=True, kw_only=True)
class Request:
    """What the rules may know about one request."""

    client: str
    country: str = UNKNOWN_COUNTRY
    asn: int = UNKNOWN_NETWORK
    rate: int = 1
    """Requests of this client in the last ten seconds, this one included."""
    method: str = "GET"
    host: str = ""
    path: str = "/"
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    """Names in lower case; what the ingress takes off is not among them."""
    arms: Mapping[str, str] = field(default_factory=dict)
    """By rule with `split`: the arm that the visitor has."""

    @property
    def size(self) -> int:
        """The announced length of the body; 0 where none was announced."""
        text = self.headers.get("content-length", "")
        return int(text) if text.isdecimal() else 0

    @property
    def cookies(self) -> dict[str, str]:
        """The cookies by name; the last one counts, with everything up to the next semicolon."""
        pairs = (part.lstrip(" ").partition("=") for part in self.headers.get("cookie", "").split(";"))
        return {name: value for name, equals, value in pairs if equals}


@dataclass(frozen=True, kw_only=True)
class LiveData:
    """The switches and lists of the moment, and which limits the client has reached."""

    switches_on: frozenset[str] = frozenset()
    lists: Mapping[str, tuple[Network, ...]] = field(default_factory=dict)
    text_lists: Mapping[str, frozenset[str]] = field(default_factory=dict)
    exceeded: frozenset[str] = frozenset()
    """Rules with `limit` for which there is too much."""


# Request headers by which others claim to know the client: what the ingress takes off every request.

PREFIXES = ("cf-", "fastly-", ARM_PREFIX.lower(), "x-forwarded-", HOP_PREFIX.lower(), "x-original-")
"""Beginnings of names; our own (`Hop`, and the arms for the origin) are set anew behind the ingress."""

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
    """Tell whether the ingress takes this header off; names with an underscore never pass either."""
    name = header.lower()
    return name in NAMES or name.startswith(PREFIXES) or "_" in name
