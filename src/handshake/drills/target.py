"""Where load goes."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Target:
    """A listener that speaks HTTP/1.1 over IPv4, without TLS."""

    host: str
    port: int

    def __str__(self) -> str:
        return f"{self.host}:{self.port}"
