"""Steps: what can be asked of a router about one member of one pool."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.catalog.endpoint import Endpoint


@dataclass(frozen=True, kw_only=True)
class AddMember:
    """Make an endpoint known to its pool: checked, without traffic."""

    service: str
    endpoint: Endpoint


@dataclass(frozen=True, kw_only=True)
class OpenMember:
    """Let a member have traffic, once the router's check passes."""

    service: str
    name: str


@dataclass(frozen=True, kw_only=True)
class DrainMember:
    """Send a member no new requests, and let it finish those that it has."""

    service: str
    name: str


@dataclass(frozen=True, kw_only=True)
class CloseMember:
    """Take a member that has no requests out of service."""

    service: str
    name: str


@dataclass(frozen=True, kw_only=True)
class RemoveMember:
    """Forget a closed member."""

    service: str
    name: str


PoolStep = AddMember | OpenMember | DrainMember | CloseMember | RemoveMember
