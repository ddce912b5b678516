"""What a router says of its pools when it is asked."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum


class Admission(StrEnum):
    """What a member was told, whatever its health."""

    OPEN = "open"
    DRAINING = "draining"
    CLOSED = "closed"


@dataclass(frozen=True, kw_only=True, order=True)
class Member:
    """One address in a pool, as the running router knows it."""

    name: str
    """The endpoint's id."""
    host: str
    port: int
    admission: Admission
    is_up: bool
    """Whether the router's own check has passed and no failure has been seen since; unknown is False."""
    sessions: int
    """Requests that it has in its hands, or that wait for it."""

    def __str__(self) -> str:
        health = "up" if self.is_up else "down"
        return f"{self.name} at {self.host}:{self.port} {self.admission}, {health}, {self.sessions} requests"

    @property
    def is_serving(self) -> bool:
        """Whether new requests go to it."""
        return self.admission is Admission.OPEN and self.is_up


@dataclass(frozen=True, kw_only=True)
class RouterState:
    """What a running router was read back to be."""

    digest: str
    """Which configuration it serves, in its own words."""
    process: int
    """Process id of the worker that takes new connections."""
    leaving: tuple[int, ...] = ()
    """Process ids of earlier workers that still finish requests, perhaps on members that are gone by now."""
    pools: dict[str, tuple[Member, ...]] = field(default_factory=dict)
    """Service -> members, each pool sorted by name; a pool that the configuration does not have is missing."""

    def proof(self, service: str) -> str:
        """Return what the router said of a pool, in one line, as the proof of an ack."""
        members = ", ".join(str(member) for member in self.pools.get(service, ()))
        return f"worker {self.process} serves {self.digest}; {service}: {members or 'no members'}"
