"""What an instance is launched with, and the Protocol of instance hosts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from handshake.core.digest import Digest
from handshake.fleet.instance import Assignment
from handshake.release.image_contract import Contract


class Limiter(StrEnum):
    """What enforces the memory and process limits of a node's instances."""

    UNKNOWN = "unknown"
    CGROUP = "cgroup"
    """A control group: all processes of an instance together."""
    RLIMIT = "rlimit"
    """Each process for itself."""


@dataclass(frozen=True, kw_only=True)
class LaunchOrder:
    """Everything that an instance is started with."""

    instance: str
    service: str
    command: tuple[str, ...]
    tree: Path
    """The image's files, verified and read-only."""
    base: Path | None
    """The files of the image's base, verified and read-only; None for the host's own base."""
    templates: Path | None
    """The template release's files; None if the service renders none."""
    environment: Mapping[str, str]
    secrets: Mapping[str, str]
    """Name -> content; kept in memory inside the instance only."""
    memory_megabytes: int


@dataclass(frozen=True, kw_only=True)
class HostedInstance:
    """What a host observes of one instance."""

    instance: str
    is_running: bool
    evidence: str
    """The evidence: its pid, or how it ended."""
    started_at: float
    """UTC, seconds since the epoch."""


class InstanceHost(Protocol):
    """Runs instances that outlive the process that started them. May be called from several threads."""

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


# From an assignment to everything that an instance is started with.


class Launcher:
    """Fetches an assignment's releases and assembles its launch order."""

    def __init__(
        self,
        *,
        require_signed: Callable[[Digest], None],
        fetch: Callable[[Digest], Path],
        base_of: Callable[[Digest], Digest | None],
        contract_of: Callable[[Digest], Contract],
        secrets_of: Callable[[tuple[str, ...]], Mapping[str, str]],
    ) -> None:
        self._require_signed = require_signed
        self._fetch = fetch
        self._base_of = base_of
        self._contract_of = contract_of
        self._secrets_of = secrets_of

    def order(self, assignment: Assignment, host: str, port: int) -> LaunchOrder:
        """Return the launch order; UnavailableError or RefusedError where a release cannot be had whole.

        RefusedError too where no known key signed the image or its base, even if its tree lies here since long.
        """
        generation = assignment.generation
        self._require_signed(generation.image)
        contract = self._contract_of(generation.image)
        return LaunchOrder(
            instance=assignment.instance,
            service=assignment.service,
            command=contract.command,
            tree=self._fetch(generation.image),
            base=self._fetch_base(generation.image),
            templates=self._fetch(generation.templates) if generation.templates else None,
            environment=instance_environment(contract, assignment, host=host, port=port),
            secrets=self._secrets_of(contract.stores),
            memory_megabytes=contract.memory_megabytes,
        )

    def _fetch_base(self, image: Digest) -> Path | None:
        base = self._base_of(image)
        if base is None:
            return None
        self._require_signed(base)
        return self._fetch(base)


# The environment of an instance: the one place that says which variables it gets, whoever launches it.

TEMPLATES_INSIDE = "/templates"
"""Where an instance finds its template release."""


def instance_environment(
    contract: Contract, assignment: Assignment, *, host: str, port: int
) -> dict[str, str]:
    """Return every variable of an instance: what its contract says, and who, where and what it is."""
    generation = assignment.generation
    environment = {
        **contract.environment,
        "HOST": host,
        "PORT": str(port),
        "HANDSHAKE_SERVICE": assignment.service,
        "HANDSHAKE_INSTANCE": assignment.instance,
        "HANDSHAKE_IMAGE": str(generation.image),
    }
    if generation.templates:
        environment["HANDSHAKE_TEMPLATES"] = TEMPLATES_INSIDE
        environment["HANDSHAKE_TEMPLATES_RELEASE"] = str(generation.templates)
    return environment
