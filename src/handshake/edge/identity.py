"""Request headers by which others claim to know the client: what the door takes off every request."""

from __future__ import annotations

from handshake.core.hop_header import ARM_PREFIX, HOP_PREFIX

PREFIXES = ("cf-", "fastly-", ARM_PREFIX.lower(), "x-forwarded-", HOP_PREFIX.lower(), "x-original-")
"""Beginnings of names; our own (`Hop`, and the arms for the origin) are set anew behind the door."""

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
    """Tell whether the door takes this header off; names with an underscore never pass either."""
    name = header.lower()
    return name in NAMES or name.startswith(PREFIXES) or "_" in name
