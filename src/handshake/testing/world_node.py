"""One node of a world in memory: an agent's real instances, presence and acks over a machine and a gateway in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path

from handshake.catalog.codec import decode
from handshake.catalog.endpoint import Endpoints
from handshake.catalog.entry import Snapshot
from handshake.catalog.keys import ASSIGNMENTS, NODES, POINTERS
from handshake.control.acks import AckWriter, pool_subject
from handshake.control.agent.fleet_acks import acknowledge_fleet
from handshake.control.agent.instances import Instances
from handshake.control.agent.launching import Launcher
from handshake.control.agent.presence import Presence
from handshake.control.pointers import decode_pointers
from handshake.control.targets import Targets
from handshake.core.ack import Place, Role
from handshake.core.clock import Clock
from handshake.core.digest import Digest
from handshake.core.errors import HandshakeError
from handshake.core.instance import Assignment, Generation
from handshake.core.outcome import Outcome
from handshake.core.pointer import Pointer
from handshake.core.release import Subject
from handshake.core.verdict import Evidence
from handshake.fleet.host import LaunchOrder
from handshake.gateway.member import RouterState
from handshake.gateway.pool import Unknown, Wanted, acked_revision, plan_pool
from handshake.image.contract import Contract
from handshake.testing.faulty_catalog import FaultyCatalog
from handshake.testing.memory_host import Behaviour, MemoryHost
from handshake.testing.memory_router import MemoryRouter

_OK = 200
_QUIET = Outcome(sentence="", changed=False)


class WorldNode:
    """Runs the cycles that an agent's loops run, one after the other."""

    def __init__(
        self,
        *,
        name: str,
        address: str,
        clock: Clock,
        catalog: FaultyCatalog,
        targets: Targets,
        contract_of: Callable[[Digest], Contract],
        fetch: Callable[[Digest], Path],
        behaviour_of: Callable[[LaunchOrder], Behaviour],
        services: tuple[str, ...],
        ask: Callable[[str, int, str], Evidence],
        attempt: Callable[[Callable[[], Outcome]], Outcome],
    ) -> None:
        self.name = name
        self.catalog = catalog
        self.host = MemoryHost(clock, behaviour_of)
        self.outcomes: list[Outcome] = []
        self._targets = targets
        self._services = services
        self._attempt = attempt
        self._router = MemoryRouter(services, lambda host, port: ask(host, port, "/health").status == _OK)
        self._acks = {role: AckWriter(catalog, clock, Place(role=role, node=name)) for role in Role}
        self._served = dict.fromkeys(services, 0)
        self._presence = Presence(catalog, clock, node=name, address=address, is_home=False)
        self._instances = Instances(
            node=name,
            address=address,
            catalog=catalog,
            clock=clock,
            host=self.host,
            launcher=Launcher(
                demand_signed=lambda _: None,
                fetch=fetch,
                base_of=lambda _: None,
                contract_of=contract_of,
                secrets_of=lambda _: {},
            ),
            contract_of=contract_of,
            target_of=self._target_of,
            ask=ask,
        )
        # What was last read stays at hand, as an agent's feeds keep it.
        self._words: Snapshot | None = None
        self._assigned: Snapshot | None = None
        self._pointers: Snapshot | None = None
        self._is_readable = False

    def cycle(self) -> None:
        """Run one cycle of each loop; one that fails is tried again next time."""
        self._read()
        cycles = (self._keep_presence, self._keep_instances, self._keep_acks, self._keep_gateway)
        self.outcomes = [self._attempt(cycle) for cycle in cycles]

    def running(self) -> dict[str, Generation]:
        """Return what every instance that runs here is."""
        reports = self._instances.reports()
        return {
            name: reports[name].generation
            for name, hosted in self.host.observe().items()
            if hosted.is_running and name in reports
        }

    def serving(self, service: str) -> int:
        """Return to how many members this node's gateway sends visitors, and that answer well."""
        return sum(member.is_serving for member in self._router.observe().pools[service])

    def _read(self) -> None:
        try:
            self._words = self.catalog.read(NODES)
            self._assigned = self.catalog.read(f"{ASSIGNMENTS}{self.name}/")
            self._pointers = self.catalog.read(POINTERS)
            self._is_readable = True
        except HandshakeError:
            self._is_readable = False

    def _known_pointers(self) -> Mapping[Subject, Pointer] | None:
        if self._pointers is None or not self._is_readable:
            return None
        return decode_pointers(self._pointers.entries)

    def _target_of(self, service: str) -> Generation | None:
        return self._targets.find_generation(service, self._known_pointers())

    def _assignments(self) -> dict[str, Assignment]:
        entries = self._assigned.entries if self._assigned else ()
        assignments = (decode(Assignment, entry.value) for entry in entries)
        return {assignment.instance: assignment for assignment in assignments}

    def _keep_presence(self) -> Outcome:
        return self._presence.cycle(self._words)

    def _keep_instances(self) -> Outcome:
        if not self._assigned:
            return _QUIET
        outcome = self._instances.cycle(self._assignments())
        # Stops run in threads of their own, and the world's clock does not wait for these.
        self._instances.wait_for_stops()
        return outcome

    def _keep_acks(self) -> Outcome:
        pointers = self._known_pointers()
        if pointers is None:
            return _QUIET
        for service in self._services:
            self._acknowledge(service, pointers)
        return _QUIET

    def _acknowledge(self, service: str, pointers: Mapping[Subject, Pointer]) -> None:
        target = self._targets.find_generation(service, pointers)
        contract = self._targets.contract(service, pointers) if target else None
        if target is None or contract is None:
            return
        acknowledge_fleet(
            service,
            target=target,
            assignments=self._assignments().values(),
            reports=self._instances.reports(),
            pointers=pointers,
            templates=contract.templates,
            acks=self._acks[Role.NODE],
        )

    def _keep_gateway(self) -> Outcome:
        wanted = {service: self._wanted(service) for service in self._services}
        before = self._router.observe()
        for service, endpoints in wanted.items():
            for step in plan_pool(service, endpoints, before):
                self._router.apply(step)
        after = self._router.observe()
        for service, endpoints in wanted.items():
            self._acknowledge_pool(service, endpoints, after)
        return _QUIET

    def _wanted(self, service: str) -> Wanted:
        try:
            found: Endpoints = self.catalog.endpoints(service)
        except HandshakeError:
            return Unknown.UNKNOWN
        return found

    def _acknowledge_pool(self, service: str, wanted: Wanted, said: RouterState) -> None:
        revision = acked_revision(service, wanted, said, self._served[service])
        if revision != self._served[service]:
            self._acks[Role.GATEWAY].serve(pool_subject(service), revision, "read back")
            self._served[service] = revision
