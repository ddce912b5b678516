"""One node of a world in memory: an agent's real instances, presence and acks over a machine and a gateway in memory."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from handshake.agent.heartbeat import Heartbeat
from handshake.catalog.codec import decode
from handshake.catalog.entries import Endpoints, Snapshot
from handshake.catalog.keys import ASSIGNMENTS, NODES, POINTERS
from handshake.core.clock import Clock
from handshake.core.digest import Digest
from handshake.core.errors import HandshakeError
from handshake.core.outcome import Outcome
from handshake.core.subject import Subject
from handshake.fleet.generations import GenerationReader
from handshake.fleet.instance import Assignment, Evidence, Generation
from handshake.fleet.instances.instances import Instances
from handshake.fleet.instances.launch import Launcher, LaunchOrder
from handshake.fleet.instances.report import acknowledge_fleet
from handshake.gateway.pool import RouterState, Unknown, Wanted, acked_revision, plan_pool
from handshake.pointers.acks import AckWriter, Place, Role, pool_subject
from handshake.pointers.pointer import Pointer
from handshake.pointers.pointers import decode_pointers
from handshake.release.image_contract import Contract
from tests.support.catalog import FaultyCatalog
from tests.support.memory_host import Behaviour, MemoryHost
from tests.support.memory_router import MemoryRouter

_OK = 200
_QUIET = Outcome(sentence="", changed=False)


@dataclass
class LastRead:
    """What was last read of the catalogue: it stays at hand while that is silent, as an agent's feeds keep it."""

    words: Snapshot | None = None
    assigned: Snapshot | None = None
    pointers: Snapshot | None = None
    is_readable: bool = False

    def read(self, catalog: FaultyCatalog, node: str) -> None:
        """Read all of it anew, as far as the catalogue answers."""
        try:
            self.words = catalog.read(NODES)
            self.assigned = catalog.read(f"{ASSIGNMENTS}{node}/")
            self.pointers = catalog.read(POINTERS)
            self.is_readable = True
        except HandshakeError:
            self.is_readable = False


@dataclass(frozen=True, kw_only=True)
class Shared:
    """What all nodes of a world have in common."""

    clock: Clock
    targets: GenerationReader
    contract_of: Callable[[Digest], Contract]
    services: tuple[str, ...]
    behaviour_of: Callable[[LaunchOrder], Behaviour]
    ask: Callable[[str, int, str], Evidence]
    """Puts a question to an instance on any node."""
    attempt: Callable[[Callable[[], Outcome]], Outcome]


class WorldNode:
    """Runs the cycles that an agent's loops run, one after the other."""

    def __init__(
        self,
        *,
        name: str,
        address: str,
        catalog: FaultyCatalog,
        fetch: Callable[[Digest], Path],
        shared: Shared,
    ) -> None:
        clock, services = shared.clock, shared.services
        self.name = name
        self.catalog = catalog
        self.host = MemoryHost(clock, shared.behaviour_of)
        self.outcomes: list[Outcome] = []
        self._shared = shared
        self._router = MemoryRouter(services, self._is_well)
        self._acks = {role: AckWriter(catalog, clock, Place(role=role, node=name)) for role in Role}
        self._served = dict.fromkeys(services, 0)
        self._presence = Heartbeat(catalog, clock, node=name, address=address, is_home=False)
        self._instances = self._make_instances(address, fetch)
        self._last = LastRead()

    def cycle(self) -> None:
        """Run one cycle of each loop; one that fails is tried again next time."""
        self._last.read(self.catalog, self.name)
        cycles = (self._keep_presence, self._keep_instances, self._keep_acks, self._keep_gateway)
        self.outcomes = [self._shared.attempt(cycle) for cycle in cycles]

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

    def _make_instances(self, address: str, fetch: Callable[[Digest], Path]) -> Instances:
        """Return the agent's instances; whoever signed an image may run here, and none is given a secret."""
        contract_of = self._shared.contract_of
        return Instances(
            node=self.name,
            address=address,
            catalog=self.catalog,
            clock=self._shared.clock,
            host=self.host,
            launcher=Launcher(
                require_signed=lambda _: None,
                fetch=fetch,
                base_of=lambda _: None,
                contract_of=contract_of,
                secrets_of=lambda _: {},
            ),
            contract_of=contract_of,
            target_of=self._target_of,
            ask=self._shared.ask,
        )

    def _is_well(self, host: str, port: int) -> bool:
        return self._shared.ask(host, port, "/health").status == _OK

    def _known_pointers(self) -> Mapping[Subject, Pointer] | None:
        if self._last.pointers is None or not self._last.is_readable:
            return None
        return decode_pointers(self._last.pointers.entries)

    def _target_of(self, service: str) -> Generation | None:
        return self._shared.targets.find_generation(service, self._known_pointers())

    def _assignments(self) -> dict[str, Assignment]:
        entries = self._last.assigned.entries if self._last.assigned else ()
        assignments = (decode(Assignment, entry.value) for entry in entries)
        return {assignment.instance: assignment for assignment in assignments}

    def _keep_presence(self) -> Outcome:
        return self._presence.cycle(self._last.words)

    def _keep_instances(self) -> Outcome:
        if not self._last.assigned:
            return _QUIET
        outcome = self._instances.cycle(self._assignments())
        # Stops run in threads of their own, and the world's clock does not wait for these.
        self._instances.wait_for_stops()
        return outcome

    def _keep_acks(self) -> Outcome:
        pointers = self._known_pointers()
        if pointers is None:
            return _QUIET
        for service in self._shared.services:
            self._acknowledge(service, pointers)
        return _QUIET

    def _acknowledge(self, service: str, pointers: Mapping[Subject, Pointer]) -> None:
        target = self._shared.targets.find_generation(service, pointers)
        contract = self._shared.targets.contract(service, pointers) if target else None
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
        wanted = {service: self._wanted(service) for service in self._shared.services}
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
