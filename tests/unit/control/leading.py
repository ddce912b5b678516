"""Leaders over one catalogue in memory, and a node that runs whatever is assigned to it."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from handshake.campaign.settings import CampaignSettings
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import Endpoint, Operation, Traffic, Write
from handshake.catalog.keys import ASSIGNMENTS, ack_key, instance_key, node_key, samples_key
from handshake.fleet.autoscaler import Scaler
from handshake.fleet.engine.canary_analysis import CanarySample
from handshake.fleet.instance import (
    Assignment,
    Evidence,
    InstancePhase,
    InstanceReport,
    Verdict,
    Verdicts,
    VerdictState,
)
from handshake.fleet.instances.metrics import NodeSamples
from handshake.fleet.nodes import NodeRecord
from handshake.fleet.rollouts.cycle import Fleets
from handshake.fleet.rollouts.steps import StepRunner
from handshake.leader.leader import Leader
from handshake.leader.leadership import Leadership
from handshake.pointers.acks import Ack, Place, Role
from handshake.pointers.pointers import Pointers
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock
from tests.unit.control.controlled import targets

CAMPAIGN = CampaignSettings.model_validate(
    {
        "name": "system",
        "regions": {"east": {"listen": "127.0.0.1:8101"}},
        "services": {"hamm": {"source": "hamm", "floor": 2, "soak_seconds": 5.0}},
    }
)


class Stopping(MemoryCatalog):
    """A catalogue whose user may stand still right before its next write, while the world goes on."""

    def __init__(self) -> None:
        super().__init__()
        self.meanwhile: Callable[[], None] | None = None

    def transact(self, operations: Sequence[Operation]) -> None:
        """Let the world go on if somebody stands still here, then carry out all operations or none."""
        if meanwhile := self.meanwhile:
            self.meanwhile = None
            meanwhile()
        super().transact(operations)


@dataclass
class Campaign:
    """One service on one node, and as many leaders as a test wants."""

    catalog: Stopping = field(default_factory=Stopping)
    clock: FakeClock = field(default_factory=FakeClock)
    settings: CampaignSettings = CAMPAIGN

    def __post_init__(self) -> None:
        session = self.catalog.open_session("n1", 10.0)
        record = NodeRecord(name="n1", address="127.0.0.1", is_home=True, at=self.clock.now())
        self.catalog.acquire(node_key("n1"), encode(record), session)

    def leader(self, name: str) -> tuple[Leader, Leadership]:
        """Return a process that wants to lead, and its hold on the lock."""
        pointers = Pointers(self.catalog, self.clock)
        leadership = Leadership(self.catalog, name)
        runner = StepRunner(self.catalog, pointers, self.clock)
        leader = Leader(
            catalog=self.catalog,
            clock=self.clock,
            leadership=leadership,
            scaler=Scaler(self.catalog),
            fleets=Fleets(self.catalog, runner, targets=targets()),
            pointers=pointers,
            campaign_of=lambda _: self.settings,
        )
        return leader, leadership

    @property
    def assignments(self) -> list[Assignment]:
        """What is assigned."""
        return [decode(Assignment, entry.value) for entry in self.catalog.read(ASSIGNMENTS).entries]

    def count_answers(self, requests: int) -> None:
        """Let the gateway have seen so many good answers of every instance."""
        samples = tuple(
            CanarySample(instance=each.instance, requests=requests, latencies=((30, requests),))
            for each in self.assignments
        )
        seen = NodeSamples(node="n1", samples=samples)
        MemoryCatalog.transact(self.catalog, [Write(key=samples_key("n1"), value=encode(seen))])

    def tick(self) -> None:
        """Let two seconds pass: the node runs what is assigned, and its gateway follows."""
        self.clock.advance(2.0)
        known = {endpoint.id for endpoint in self.catalog.endpoints("hamm").endpoints}
        assigned = {assignment.instance for assignment in self.assignments}
        for gone in known - assigned:
            self.catalog.deregister(gone)
        for assignment in self.assignments:
            self._run(assignment)
        self._acknowledge()

    def _run(self, assignment: Assignment) -> None:
        yes = Verdict(finding=VerdictState.YES, since=assignment.assigned_at, evidence=Evidence(status=200))
        report = InstanceReport(
            instance=assignment.instance,
            node="n1",
            service="hamm",
            generation=assignment.generation,
            host="127.0.0.1",
            port=20000,
            started_at=assignment.assigned_at,
            verdicts=Verdicts(alive=yes, ready=yes, fresh=yes),
        )
        key = instance_key("n1", assignment.instance)
        MemoryCatalog.transact(self.catalog, [Write(key=key, value=encode(report))])
        traffic = Traffic.OPEN if assignment.phase is InstancePhase.RUN else Traffic.DRAINING
        endpoint = Endpoint(
            id=assignment.instance, service="hamm", host="127.0.0.1", port=20000, traffic=traffic, node="n1"
        )
        self.catalog.register(endpoint, 60.0)

    def _acknowledge(self) -> None:
        place = Place(role=Role.GATEWAY, node="n1")
        index = self.catalog.endpoints("hamm").index
        ack = Ack(place=str(place), subject="pool/hamm", revision=index, proof="asked", at=self.clock.now())
        write = Write(key=ack_key(str(place), "pool/hamm"), value=encode(ack))
        MemoryCatalog.transact(self.catalog, [write])
