"""Steps: the actions that the rollout engine asks for, one each, in order."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.core.digest import Digest
from handshake.core.subject import Subject
from handshake.fleet.instance import Generation, InstancePhase, Purpose


@dataclass(frozen=True, kw_only=True)
class Launch:
    """Start a new instance of a generation, somewhere."""

    service: str
    generation: Generation
    purpose: Purpose
    phase: InstancePhase = InstancePhase.RUN


@dataclass(frozen=True, kw_only=True)
class Drain:
    """Remove an instance from every pool, letting requests in flight finish."""

    instance: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Park:
    """Remove an instance from every pool as for a drain, but keep it running."""

    instance: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Open:
    """Add a warm instance to every pool."""

    instance: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Retire:
    """Stop an instance that has no more traffic, or is not alive."""

    instance: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Revert:
    """Move a pointer back by check-and-set; a pointer that has moved on since is left alone."""

    subject: Subject
    bad: Digest
    to: Digest
    why: str


@dataclass(frozen=True, kw_only=True)
class Settle:
    """Mark the pointer's release as stable: the whole fleet runs it."""

    subject: Subject
    release: Digest


Step = Launch | Drain | Park | Open | Retire | Revert | Settle
