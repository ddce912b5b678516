"""How a member of a pool is written, in the configuration and in the runtime command alike."""

from __future__ import annotations

from handshake.catalog.endpoint import Endpoint

MEMBER_WORDS = (
    *("check", "inter", "500ms", "fastinter", "100ms", "downinter", "200ms", "fall", "2", "rise", "1"),
    *("weight", "10", "observe", "layer4", "error-limit", "1", "on-error", "mark-down"),
)
"""All of them each time: a member added at runtime takes nothing over from `default-server`."""


def member_address(endpoint: Endpoint) -> str:
    """Return the endpoint's address as HAProxy writes it."""
    return (
        f"[{endpoint.host}]:{endpoint.port}" if ":" in endpoint.host else f"{endpoint.host}:{endpoint.port}"
    )
