"""The Protocol of what runs instances on a node: sandboxes on a laptop, machines elsewhere."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol


class Limiter(StrEnum):
    """What holds a node's instances to their memory and their number of processes."""

    UNKNOWN = "unknown"
    CGROUP = "cgroup"
    """A control group: all processes of an instance together."""
    RLIMIT = "rlimit"
    """Each process for itself."""


@dataclass(frozen=True, kw_only=True)
class LaunchOrder:
    """All that an instance is started with."""

    instance: str
    service: str
    command: tuple[str, ...]
    tree: Path
    """The image's files, verified and read-only."""
    base: Path | None
    """The files of the image's base, verified and read-only; None for the host's own."""
    templates: Path | None
    """The template release's files; None where the service renders none."""
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    """Name -> content; files in memory inside, and nowhere else."""
    memory_megabytes: int


@dataclass(frozen=True, kw_only=True)
class HostedInstance:
    """What a host sees of one instance."""

    instance: str
    is_running: bool
    evidence: str
    """How that is known: its pid, or how it ended."""
    started_at: float
    """UTC, seconds since the epoch."""


class InstanceHost(Protocol):
    """Runs instances that outlive whoever started them. May be called from several threads."""

    def launch(self, order: LaunchOrder) -> None:
        """Start an instance unless it runs; RefusedError where it cannot ever, UnavailableError where not now."""
        ...

    def observe(self) -> dict[str, HostedInstance]:
        """Return every instance that was launched here and not forgotten, running or ended."""
        ...

    def stop(self, instance: str, *, drain_seconds: float) -> None:
        """SIGTERM, then SIGKILL after `drain_seconds`; returns once it has ended; idempotent."""
        ...

    def log_tail(self, instance: str, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines that an instance wrote."""
        ...

    def forget(self, instance: str) -> None:
        """Drop an ended instance's record and log."""
        ...
