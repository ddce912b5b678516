"""Steps: what the rollout engine asks of the world, one act each, in order."""

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
    """Take an instance out of every pool, letting what is in flight finish."""

    instance: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Park:
    """Take an instance out of every pool as for a drain, and let it run on."""

    instance: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Open:
    """Put a warm instance into every pool."""

    instance: str
    why: str


@dataclass(frozen=True, kw_only=True)
class Retire:
    """Stop an instance that has no traffic any more, or is not alive."""

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
    """Name the pointer's release the stable one: the whole fleet runs it."""

    subject: Subject
    release: Digest


Step = Launch | Drain | Park | Open | Retire | Revert | Settle
