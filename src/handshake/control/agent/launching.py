"""From an assignment to everything that an instance is started with."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from handshake.core.digest import Digest
from handshake.core.instance import Assignment
from handshake.fleet.host import LaunchOrder
from handshake.image.contract import Contract
from handshake.image.environment import instance_environment


class Launcher:
    """Fetches an assignment's releases and puts its launch order together."""

    def __init__(
        self,
        *,
        demand_signed: Callable[[Digest], None],
        fetch: Callable[[Digest], Path],
        base_of: Callable[[Digest], Digest | None],
        contract_of: Callable[[Digest], Contract],
        secrets_of: Callable[[tuple[str, ...]], Mapping[str, str]],
    ) -> None:
        self._demand_signed = demand_signed
        self._fetch = fetch
        self._base_of = base_of
        self._contract_of = contract_of
        self._secrets_of = secrets_of

    def order(self, assignment: Assignment, host: str, port: int) -> LaunchOrder:
        """Return the launch order; UnavailableError or RefusedError where a release cannot be had whole.

        RefusedError too where no known key signed the image or its base, even if its tree lies here since long.
        """
        generation = assignment.generation
        self._demand_signed(generation.image)
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
        self._demand_signed(base)
        return self._fetch(base)
