"""Places and their acks: what a running program was read back to serve."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Role(StrEnum):
    """What a place is."""

    DOOR = "door"
    CACHE = "cache"
    GATEWAY = "gateway"
    NODE = "node"
    FASTLY = "fastly"
    """One place for all of Fastly's machines, which nobody can ask one by one; written without a node."""


@dataclass(frozen=True, kw_only=True, order=True)
class Place:
    """A program that the configuration names and that must acknowledge; written `role@node`."""

    role: Role
    node: str

    def __str__(self) -> str:
        return f"{self.role}@{self.node}" if self.node else str(self.role)


@dataclass(frozen=True, kw_only=True)
class Refusal:
    """A place's statement that it cannot serve a revision."""

    revision: int
    reason: str


@dataclass(frozen=True, kw_only=True)
class Ack:
    """A place's statement, read back from the running program, that it serves a subject at a revision."""

    place: str
    subject: str
    """A pointer (`site/calls`), `pool/<service>`, `list/<name>`, `switches`, `purges` or `site-traffic`."""
    revision: int
    """What is served; 0 where nothing of the subject is served yet."""
    proof: str
    """What the program said when asked, in its own words, one line."""
    at: float
    """UTC, seconds since the epoch, by the writer's clock."""
    refusal: Refusal | None = None
    """Set while the place was asked for a revision that it cannot serve; `revision` stays what it serves."""


def is_served(revision: int, acks: tuple[Ack, ...], places: tuple[Place, ...]) -> bool:
    """Tell whether every one of the places serves the revision or a later one."""
    serving = {ack.place for ack in acks if ack.revision >= revision}
    return all(str(place) in serving for place in places)
