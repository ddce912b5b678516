"""The languages that a policy is compiled to."""

from __future__ import annotations

from enum import StrEnum

from handshake.edge.phase import Phase


class Dialect(StrEnum):
    """Whose language a text is in."""

    DOOR = "door"
    """HAProxy, which decides phase admit."""
    CACHE = "cache"
    """Varnish, which decides phase serve."""
    FASTLY = "fastly"
    """Fastly's VCL, which decides both."""


OF_PHASE = {Phase.ADMIT: Dialect.DOOR, Phase.SERVE: Dialect.CACHE}
