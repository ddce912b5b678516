"""What a gateway stands in, apart from its policy: sockets, users, the pools' members today."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from handshake.catalog.endpoint import Endpoint


@dataclass(frozen=True, kw_only=True)
class Listener:
    """The Unix socket on which the cache reaches the gateway; whoever can open it is believed."""

    path: Path
    mode: int = 0o600
    user: str = ""
    """Owner of the socket; empty: whoever starts the program."""
    group: str = ""


@dataclass(frozen=True, kw_only=True)
class Account:
    """The user and group that the program becomes when root starts it."""

    user: str
    group: str


@dataclass(frozen=True, kw_only=True)
class Pool:
    """A service's pool as it shall be when the program starts."""

    service: str
    members: tuple[Endpoint, ...] = ()
    """Those that get traffic. One that drains is left out: the program that drains it is the old one."""
    health_path: str = "/health"


@dataclass(frozen=True, kw_only=True)
class Surroundings:
    """Everything that a gateway's configuration needs to know besides its policy."""

    digest: str
    """Names this configuration without its members; the running program repeats it when asked."""
    listener: Listener
    runtime_socket: Path
    """Where the agent speaks to the running program; only its own user may open it."""
    account: Account | None = None
    """None where the program is started without root and stays who it is."""
    description: str = "{}"
    """The merged OpenAPI description, JSON in one line."""
    pools: tuple[Pool, ...] = ()
    """Pools that the policy names but that stand not here are empty."""
