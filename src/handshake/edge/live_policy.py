"""What the edge reads of a live policy: its own part, where sites live, and the pointer that names it.

`campaign.live_policy.LivePolicy` keeps these Protocols; the edge does not know the campaign.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

from handshake.edge.fastly.settings import FastlySettings
from handshake.edge.policy.policy import EdgePolicy
from handshake.pointers.pointer import Pointer


class MountedSite(Protocol):
    """A site that the policy declares."""

    @property
    def mount(self) -> str:
        """The path at which the site lives."""
        ...


class CopiedPages(Protocol):
    """What the policy says of the fallback copy."""

    @property
    def pages(self) -> tuple[str, ...]:
        """The paths that are copied."""
        ...


class EdgeCampaign(Protocol):
    """What the edge reads of handshake.toml."""

    @property
    def nodes(self) -> tuple[str, ...]:
        """The nodes that the policy names."""
        ...

    @property
    def sites(self) -> Mapping[str, MountedSite]:
        """The sites, by name."""
        ...

    @property
    def mounts(self) -> tuple[str, ...]:
        """The paths at which sites live."""
        ...

    @property
    def fallback_copy(self) -> CopiedPages:
        """The pages that are kept as files."""
        ...

    @property
    def fastly(self) -> FastlySettings | None:
        """The service at Fastly, None if there is none."""
        ...


class CampaignPolicy(Protocol):
    """A policy, as far as the edge reads it."""

    @property
    def edge(self) -> EdgePolicy:
        """edge.toml."""
        ...

    @property
    def campaign(self) -> EdgeCampaign:
        """handshake.toml."""
        ...


class LiveEdgePolicy(Protocol):
    """A policy and the pointer that names it."""

    @property
    def policy(self) -> CampaignPolicy:
        """The policy."""
        ...

    @property
    def pointer(self) -> Pointer:
        """The pointer."""
        ...
