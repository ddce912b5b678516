"""What the cache's VCL depends on besides the policy: sockets, and which release of each site is live."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class RegionSocket:
    """The egress to one region."""

    name: str
    socket: str


@dataclass(frozen=True, kw_only=True)
class CacheSurroundings:
    """Where the cache fetches from."""

    gateway_socket: str
    regions: tuple[RegionSocket, ...]
    """In the order in which they are asked."""


@dataclass(frozen=True, kw_only=True)
class SiteRoute:
    """One site: where visitors find it, and what the object stores keep for it."""

    name: str
    mount: str
    """`/calls`; `/` for a site at the root."""
    release: str
    """As it stands in the stores' keys: `sites/<name>/<release>/...`."""
    asset_prefixes: tuple[str, ...] = ()
    """Beginnings of paths below the mount whose files lie at `sites/<name>/assets/...`."""
    previous_release: str | None = None
    """Shown when no region has the live one; None where there was none."""
