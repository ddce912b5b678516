"""A campaign's control plane in memory: the real leader and the real instances of agents, on a clock that tests move.

Five minutes pass in a second. What is not real: the catalogue, the machines and the gateways.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache, partial
from pathlib import Path
from types import MappingProxyType

from handshake.campaign.settings import CampaignSettings
from handshake.core.clock import Clock
from handshake.core.digest import Digest
from handshake.core.errors import HandshakeError
from handshake.core.outcome import Outcome
from handshake.core.subject import Kind, Subject
from handshake.fleet.autoscaler import Scaler
from handshake.fleet.generations import GenerationReader
from handshake.fleet.instance import Evidence, Generation
from handshake.fleet.instances.launch import LaunchOrder
from handshake.fleet.rollouts.cycle import Fleets
from handshake.fleet.rollouts.steps import StepRunner
from handshake.fleet.settings import ServiceSettings
from handshake.leader.leader import Leader
from handshake.leader.leadership import Leadership
from handshake.pointers.pointer import Move, Pointer
from handshake.pointers.pointers import Pointers
from handshake.release.image_contract import Contract, Health, parse_contract, print_contract
from handshake.release.manifest import Manifest, release_id
from handshake.release.objects import ObjectStore
from handshake.release.provenance import Provenance
from handshake.release.regions import RegionSettings
from handshake.release.store import fetch_release, load_manifest, store_release
from handshake.release.tree import scan_tree
from tests.support.catalog import FaultyCatalog, MemoryCatalog
from tests.support.clock import FakeClock
from tests.support.memory_host import Behaviour
from tests.support.world_node import Shared, WorldNode

TICK_SECONDS = 1.0
IMAGE, LOOK = Subject(kind=Kind.IMAGE, name="hamm"), Subject(kind=Kind.TEMPLATES, name="hamm")
OTHER = Subject(kind=Kind.IMAGE, name="events")
SERVICE = ServiceSettings(
    source="services/hamm",
    floor=4,
    ceiling=10,
    soak_seconds=5.0,
    deadline_seconds=60.0,
    drain_seconds=10.0,
)
WELL = Behaviour()
_NO_OTHERS: Mapping[str, ServiceSettings] = MappingProxyType({})
_CONTRACT = Contract(
    command=("serve",),
    health=Health(path="/health", deadline_seconds=10.0),
    drain_seconds=5.0,
    memory_megabytes=64,
)


def attempt(cycle: Callable[[], Outcome]) -> Outcome:
    """Return a cycle's outcome as the loops of agent and leader take it: a failure changes nothing."""
    try:
        return cycle()
    except HandshakeError as error:
        return Outcome(sentence=f"nothing changed: {error.what}", changed=False)


@dataclass
class WorldLeader:
    """One process that may lead, with its own way to the catalogue and its own clock."""

    catalog: FaultyCatalog
    leader: Leader
    is_stopped: bool = False
    """Whether it has been sent SIGSTOP."""
    outcome: Outcome = field(default_factory=lambda: Outcome(sentence="", changed=False))

    def cycle(self) -> None:
        """Run one cycle unless the process is stopped."""
        if not self.is_stopped:
            self.outcome = attempt(self.leader.cycle)


class SimulatedWorld:
    """Services `hamm`, which renders templates, and `events`; nodes; one leader, or several."""

    def __init__(
        self,
        folder: Path,
        stores: Sequence[ObjectStore],
        *,
        nodes: tuple[str, ...] = ("n1", "n2"),
        service: ServiceSettings = SERVICE,
        others: Mapping[str, ServiceSettings] = _NO_OTHERS,
    ) -> None:
        """`others` are services beside `hamm`, whose settings are `service`, and `events`."""
        self.clock = FakeClock()
        self.catalog = MemoryCatalog(self.clock)
        self.stores = stores
        self.pointers = Pointers(self.catalog, self.clock)
        self.campaign = CampaignSettings(
            name="campaign",
            nodes=nodes,
            regions={store.region: RegionSettings(listen="127.0.0.1:1") for store in stores},
            services={"hamm": service, "events": service.model_copy(update={"floor": 2}), **others},
        )
        self._folder = folder
        self._manifest_of = lru_cache(partial(load_manifest, stores))
        self._behaviours: dict[Digest, Behaviour] = {}
        self.targets = GenerationReader(contract_of=self.contract_of, secrets_digest=lambda _: "")
        self.nodes = [self._node(number, name) for number, name in enumerate(nodes, start=1)]
        self.leaders = [self.new_leader()]

    # Releases and pointers

    def publish(self, subject: Subject, text: str, behaviour: Behaviour = WELL) -> Digest:
        """Make a release that holds one text; an image's instances behave as told, or well."""
        source = self._folder / "sources" / str(subject) / text
        source.mkdir(parents=True, exist_ok=True)
        (source / "text").write_text(text)
        templates = "hamm" if subject == IMAGE else ""
        contract = print_contract(replace(_CONTRACT, templates=templates))
        is_image = subject.kind is Kind.IMAGE
        manifest = Manifest(
            kind=subject.kind,
            files=scan_tree(source),
            base="host" if is_image else "",
            contract=contract if is_image else {},
        )
        release = release_id(manifest)
        self._behaviours[release] = behaviour
        provenance = Provenance(
            subject=subject, release=release, source="", commit="", builder="test", made_at=self.clock.now()
        )
        return store_release(self.stores, manifest, source, provenance, lambda _: None)

    def promote(self, subject: Subject, release: Digest) -> Pointer:
        """Move a pointer, whatever it names."""
        today = self.pointers.get(subject)
        move = Move(
            subject=subject,
            release=release,
            from_revision=today.revision if today else 0,
            moved_by="ada",
            reason="because",
        )
        return self.pointers.move([move])[0]

    def pointer(self, subject: Subject) -> Pointer:
        """Return a pointer that exists."""
        return self.pointers.all()[subject]

    def settle(self, behaviour: Behaviour = WELL) -> Digest:
        """Promote first releases of everything, let them arrive, and return hamm's image, which behaves as told."""
        first = self.publish(IMAGE, "first", behaviour)
        for subject, release in (
            (LOOK, self.publish(LOOK, "plain")),
            (IMAGE, first),
            (OTHER, self.publish(OTHER, "first")),
        ):
            self.promote(subject, release)
        self.run_until(self.is_settled, "the first releases arrive")
        return first

    # Time

    def tick(self) -> None:
        """Let a second pass: every agent, then every process that may lead, runs one cycle."""
        self.clock.advance(TICK_SECONDS)
        for node in self.nodes:
            node.cycle()
        for leader in list(self.leaders):
            leader.cycle()

    def run(self, seconds: float, watch: Callable[[], object] = lambda: None) -> None:
        """Let time pass, and look at the world after every second."""
        for _ in range(round(seconds / TICK_SECONDS)):
            self.tick()
            watch()

    def run_until(
        self,
        is_true: Callable[[], bool],
        what: str,
        *,
        within_seconds: float = 600.0,
        watch: Callable[[], object] = lambda: None,
    ) -> float:
        """Let time pass until something is true, and return the seconds that took; AssertionError if they run out."""
        begun = self.clock.monotonic()
        while self.clock.monotonic() - begun < within_seconds:
            self.run(TICK_SECONDS, watch)
            if is_true():
                return self.clock.monotonic() - begun
        raise AssertionError(f"not within {within_seconds:g} s: {what}; {self.sentences()}")

    # What is so

    def is_settled(self) -> bool:
        """Tell whether every fleet has settled on what its pointers name."""
        pointers = self.pointers.all()
        return all(pointer.stable == pointer.release for pointer in pointers.values()) and all(
            self.serving(service) == settings.floor
            and list(self.running(service).values())
            == [self.targets.find_generation(service, pointers)] * settings.floor
            for service, settings in self.campaign.services.items()
        )

    def serving(self, service: str = "hamm") -> int:
        """Return how many members every gateway sends visitors to, and that would answer them well."""
        return min(node.serving(service) for node in self.nodes)

    def running(self, service: str = "hamm") -> dict[str, Generation]:
        """Return what every instance that really runs is."""
        return {
            name: generation
            for node in self.nodes
            for name, generation in node.running().items()
            if name.startswith(f"{service}-")
        }

    def crash(self, instance: str) -> None:
        """Kill an instance."""
        node = next(node for node in self.nodes if instance in node.running())
        node.host.crash(instance)

    def sentences(self) -> str:
        """Return what everybody last said."""
        return "; ".join([*(leader.outcome.sentence for leader in self.leaders), *self._told_by_nodes()])

    def _told_by_nodes(self) -> list[str]:
        return [f"{node.name}: {outcome.sentence}" for node in self.nodes for outcome in node.outcomes]

    # Its processes

    def ways(self) -> list[FaultyCatalog]:
        """Return every process's way to the catalogue."""
        return [*(node.catalog for node in self.nodes), *(leader.catalog for leader in self.leaders)]

    def new_leader(self, name: str = "control", clock: Clock | None = None) -> WorldLeader:
        """Return one more process that may lead; by the world's clock where it has none of its own."""
        catalog, own_clock = FaultyCatalog(self.catalog), clock or self.clock
        pointers = Pointers(catalog, own_clock)
        leader = Leader(
            catalog=catalog,
            clock=own_clock,
            leadership=Leadership(catalog, name),
            fleets=Fleets(catalog, StepRunner(catalog, pointers, own_clock), targets=self.targets),
            pointers=pointers,
            scaler=Scaler(catalog),
            campaign_of=lambda _: self.campaign,
        )
        return WorldLeader(catalog=catalog, leader=leader)

    def contract_of(self, image: Digest) -> Contract:
        """Return an image's contract, as its manifest in the regions says it."""
        return parse_contract(self._manifest_of(image).contract)

    def _ask(self, host: str, port: int, path: str) -> Evidence:
        """Put a question to an instance on any node."""
        answers = (node.host.ask(host, port, path) for node in self.nodes)
        return max(answers, key=lambda answer: answer.status)

    def _node(self, number: int, name: str) -> WorldNode:
        return WorldNode(
            name=name,
            address=f"127.0.1.{number}",
            catalog=FaultyCatalog(self.catalog),
            fetch=lambda release: fetch_release(self.stores, release, self._folder / "trees" / name),
            shared=Shared(
                clock=self.clock,
                targets=self.targets,
                contract_of=self.contract_of,
                services=tuple(self.campaign.services),
                behaviour_of=self._behaviour_of,
                ask=self._ask,
                attempt=attempt,
            ),
        )

    def _behaviour_of(self, order: LaunchOrder) -> Behaviour:
        return self._behaviours[Digest(order.environment["HANDSHAKE_IMAGE"])]


def images(running: Mapping[str, Generation]) -> set[Digest]:
    """Return the images that instances run."""
    return {generation.image for generation in running.values()}
