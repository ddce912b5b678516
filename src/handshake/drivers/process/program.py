"""Programs to be supervised, and what is seen of them."""

from __future__ import annotations

import signal
from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from handshake.drivers.process.identity import Identity

_SIGNALLED = 128
"""A shell's way to say that a signal ended a program: 128 and the signal's number."""


@dataclass(frozen=True, kw_only=True)
class Program:
    """One program as its supervisor shall run it."""

    name: str
    """The name of its folder: unique on this node."""
    argv: tuple[str, ...]
    """Everybody on the machine can read it: no secret stands here, nor in the environment."""
    environment: Mapping[str, str] = field(default_factory=dict)
    """All that it gets, beside a PATH."""
    user: str = ""
    """Whom it runs as where root starts it; empty: whoever starts it."""
    restart: bool = False
    """Whether it is started again in place when it ends: routers and stores are, instances never."""
    groups: tuple[Path, ...] = ()
    """The control groups that argv joins: removed once it has ended for good."""
    is_named_by_monitor: bool = False
    """Whether argv is only a monitor, which names the program itself on descriptor 9 (bubblewrap's --info-fd)."""


class State(StrEnum):
    """What a program is doing."""

    RUNNING = "running"
    EXITED = "exited"
    ABSENT = "absent"


@dataclass(frozen=True, kw_only=True)
class Exit:
    """How a program ended, as its supervisor saw it."""

    code: int
    """As a shell says it: 128 and the signal's number where a signal ended it."""
    at: float
    """UTC, seconds since the epoch."""

    def __str__(self) -> str:
        if self.code > _SIGNALLED and self.code - _SIGNALLED in set(signal.Signals):
            return f"ended by {signal.Signals(self.code - _SIGNALLED).name}"
        return f"exit code {self.code}"


@dataclass(frozen=True, kw_only=True)
class Observation:
    """What is seen of a program now."""

    name: str
    state: State
    process: Identity | None = None
    """Who it is, while it runs; None in the moment in which it is gone and nobody has said how."""
    started_at: float = 0.0
    """UTC, seconds since the epoch; 0 where it was never started."""
    exit: Exit | None = None
    """None while it runs, and where it ended with nobody watching."""
    is_supervised: bool = False
    """Whether its supervisor is alive."""
    ending_since: float = 0.0
    """When it was asked to end, UTC, seconds since the epoch; 0 where it was not."""

    @property
    def evidence(self) -> str:
        """How the state is known, in a few words."""
        match self.state:
            case State.RUNNING if self.process:
                watched = "" if self.is_supervised else ", its supervisor is gone"
                return f"pid {self.process.pid} is alive{watched}"
            case State.RUNNING:
                return "is gone; its supervisor is about to say how"
            case State.EXITED:
                return str(self.exit) if self.exit else "ended with nobody watching"
            case _:
                return "was never started"
