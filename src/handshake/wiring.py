"""Names -> drivers: the only place that knows which vendor does what. Everything here is put together, nothing decided."""

from __future__ import annotations

import base64
import getpass
import os
import socket
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import cached_property, lru_cache, partial
from pathlib import Path

from starlette.applications import Starlette

from handshake.catalog.catalog import Catalog
from handshake.control.acks import AckWriter
from handshake.control.agent.agent import Agent, AgentParts
from handshake.control.agent.balancer import Balancer
from handshake.control.agent.cache import CacheReconciler
from handshake.control.agent.countries import prepare_countries
from handshake.control.agent.door import DoorReconciler
from handshake.control.agent.gateway import GatewayReconciler
from handshake.control.agent.health import build_health
from handshake.control.agent.instances import Instances
from handshake.control.agent.launching import Launcher
from handshake.control.agent.measuring import Measurer
from handshake.control.agent.objects import build_objects
from handshake.control.agent.permits import Pace, PermitOffice
from handshake.control.agent.ports import choose_port
from handshake.control.agent.presence import Presence
from handshake.control.agent.probe import Prober
from handshake.control.agent.programs import LocalProgram
from handshake.control.agent.sampling import Sampler
from handshake.control.arrival import Arrivals
from handshake.control.bundles import Bundles
from handshake.control.campaign import CampaignSettings, StoreSettings
from handshake.control.drift import DriftReport, Inspector, RouterView
from handshake.control.holds import Holds
from handshake.control.house import House
from handshake.control.invitation import OBJECTS_SECRET
from handshake.control.journal import JournalRecord, read_journal
from handshake.control.leader.fleets import Fleets
from handshake.control.leader.leader import Leader
from handshake.control.leader.leadership import Leadership
from handshake.control.leader.scaling import Scaler
from handshake.control.leader.service import LeaderService
from handshake.control.leader.steps import StepRunner
from handshake.control.lifecycle import Lifecycle
from handshake.control.lists import Lists
from handshake.control.live import LivePolicy, PolicyReader
from handshake.control.nodes import NodeRegister, Nodes, read_nodes
from handshake.control.operator import Operator
from handshake.control.pointers import Pointers
from handshake.control.publisher import Publisher, Telling, Workshop
from handshake.control.rollouts import Rollouts
from handshake.control.scales import Scales
from handshake.control.secrets import Secrets
from handshake.control.shake.sandboxed import Bench
from handshake.control.shake.trial import Shelf
from handshake.control.shaken import Shaken
from handshake.control.shaking import Shaking
from handshake.control.shelf import fetch_release, load_manifest, provenances, releases, signatures
from handshake.control.signing import Believer, Signer
from handshake.control.signing_keys import SigningKeys
from handshake.control.status import StatusReport, read_status
from handshake.control.switches import Switches
from handshake.control.targets import Targets
from handshake.core.ack import Place, Role
from handshake.core.clock import Clock
from handshake.core.digest import Digest, parse_digest
from handshake.core.instance import InstanceReport
from handshake.core.objects import ObjectStore
from handshake.core.pointer import Pointer
from handshake.core.problem import Location, Problem
from handshake.core.release import Kind, Subject
from handshake.core.signature import Signature
from handshake.drivers.consul.catalog import ConsulCatalog
from handshake.drivers.datadog.counters import DogStatsdCounters
from handshake.drivers.directory.store import DirectoryStore, make_region
from handshake.drivers.ed25519.scheme import Ed25519
from handshake.drivers.git.source import describe_source
from handshake.drivers.haproxy.program import NEED as HAPROXY_NEED
from handshake.drivers.haproxy.runtime import Runtime
from handshake.drivers.haproxy.servers import Servers
from handshake.drivers.haproxy.supervised import SupervisedDoor, SupervisedHaproxy
from handshake.drivers.http.objects import LentStore
from handshake.drivers.http.server import ThreadedServer
from handshake.drivers.mmdebstrap.debian import Mmdebstrap
from handshake.drivers.nginx.program import RegionServer
from handshake.drivers.nginx.supervised import SupervisedRegion
from handshake.drivers.npm.packages import NpmPackages
from handshake.drivers.pip.wheels import PipWheels
from handshake.drivers.process.command import run_command
from handshake.drivers.process.need import Need, missing_programs
from handshake.drivers.process.ports import check_port
from handshake.drivers.process.processes import Processes
from handshake.drivers.process.supervision import HouseSupervision
from handshake.drivers.process.workplace import INSTANCES, workplace
from handshake.drivers.redis.donations import RedisDonations
from handshake.drivers.redis.program import RedisStore
from handshake.drivers.redis.supervised import SupervisedStore
from handshake.drivers.redis.throw_away import ThrowAwayStore, start_store
from handshake.drivers.sandbox.confinement import find_confinement
from handshake.drivers.sandbox.host import SandboxHost
from handshake.drivers.sandbox.sandboxes import NEEDS as SANDBOX_NEEDS
from handshake.drivers.sandbox.sandboxes import Sandboxes
from handshake.drivers.sandbox.witness import SandboxWitness
from handshake.drivers.varnish.program import NEED as VARNISH_NEED
from handshake.drivers.varnish.program import VarnishProgram
from handshake.drivers.varnish.supervised import SupervisedCache
from handshake.edge.door.surroundings import Accounts, DoorSurroundings, Region
from handshake.edge.door.surroundings import Listener as DoorListener
from handshake.edge.vcl.surroundings import CacheSurroundings, RegionSocket
from handshake.fleet.budget import Budget
from handshake.gateway.surroundings import Account, Surroundings
from handshake.gateway.surroundings import Listener as GatewayListener
from handshake.image.contents import Larder
from handshake.image.contract import Contract, parse_contract
from handshake.image.recipe import HOST_BASE

DOOR_USER = "haproxy"
CACHE_USER = "vcache"
FILES_USER = "www-data"
BUILD_SECONDS = 600.0


def run_build(command: Sequence[str], folder: Path) -> None:
    """Run a site's build in its folder, with the platform's own Python first on PATH."""
    path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
    environment = {**os.environ, "PATH": path}
    run_command(command, timeout_seconds=BUILD_SECONDS, environment=environment, folder=folder)


def find_missing_programs() -> list[Problem]:
    """Return a problem for every program that a house on one machine needs and does not find."""
    needs = (
        HAPROXY_NEED,
        VARNISH_NEED,
        Need(program="redis-server", reason="as the stores", package="redis-server"),
        Need(program="nginx", reason="as the regions' file servers", package="nginx-light"),
        *SANDBOX_NEEDS,
    )
    return missing_programs(needs)


def find_port_holder(port: int, needed_by: str, where: Location) -> list[Problem]:
    """Return a problem where somebody else listens on a port that we need."""
    return check_port(port, needed_by=needed_by, where=where)


class Wiring:
    """One campaign's parts, put together from its house."""

    def __init__(self, house: House, clock: Clock) -> None:
        self.house = house
        self.clock = clock
        self.secrets = Secrets(house.secrets)
        self.manifest_of = lru_cache(maxsize=512)(partial(load_manifest, self.stores))

    @cached_property
    def catalog(self) -> Catalog:
        """The catalogue's client, with the credential that may write."""
        host, _, port = self.house.catalog.rpartition(":")
        return ConsulCatalog(host=host, port=int(port), credential=self.secrets.catalog_credential())

    @property
    def stores(self) -> tuple[ObjectStore, ...]:
        """Every region's object store; a region whose folder is gone does not answer."""
        if not self.house.is_home:
            credential = self.secrets.read(OBJECTS_SECRET)
            return tuple(
                LentStore(address=self.house.home, region=name, credential=credential)
                for name in self.house.regions
            )
        return tuple(DirectoryStore(self.house.region(name), name) for name in self.house.regions)

    def make_regions(self) -> None:
        """Make every region's folder, at the first start."""
        for name in self.house.regions:
            make_region(self.house.region(name), name)

    @property
    def processes(self) -> Processes:
        """The supervised programs of this node."""
        return Processes(self.house.programs)

    @property
    def sandboxes(self) -> Sandboxes:
        """The sandboxed instances of this node."""
        return Sandboxes(self.house.instances, confinement=find_confinement())

    @property
    def supervision(self) -> HouseSupervision:
        """Everything that runs on this node, to be started and stopped."""
        return HouseSupervision(programs=self.processes, instances=Processes(self.house.instances))

    def lifecycle(self) -> Lifecycle:
        """The campaign's own three processes."""
        return Lifecycle(
            self.house,
            self.supervision,
            self.clock,
            python=sys.executable,
            credentials=str(self.secrets.ensure_catalog()),
        )

    def join(self, ask_agent: Callable[[str], None]) -> tuple[str, ...]:
        """Start this node's agent, which joins the campaign; return the names of what was started."""
        lifecycle = Lifecycle(self.house, self.supervision, self.clock, python=sys.executable, credentials="")
        return lifecycle.start(lambda: self.catalog, ask_agent)

    def larder_for(self, base: str) -> Larder:
        """Return where the packages of images on this base come from."""
        cache = self.house.cache
        tree = None if base == HOST_BASE else self.fetch(parse_digest(base))
        return Larder(cache=cache, wheels=PipWheels(tree), node=NpmPackages(cache / "npm"))

    def publisher(self, folder: Path | None = None) -> Publisher:
        """Makes releases of the campaign's sources, or of those in another folder that is laid out like it."""
        shop = Workshop(
            campaign=folder or self.house.folder,
            cache=self.house.cache,
            stores=self.stores,
            larder_for=self.larder_for,
            debian=Mmdebstrap(),
            describe_source=describe_source,
            run_build=run_build,
            sign=self.sign,
            builder=f"{getpass.getuser()}@{socket.gethostname()}",
        )
        return Publisher(shop, self.clock)

    def operator(self, who: str, folder: Path | None = None) -> Operator:
        """Return somebody's verbs, publishing from the campaign's folder or from another one like it."""
        return Operator(
            who=who,
            catalog=self.catalog,
            clock=self.clock,
            pointers=self.pointers,
            arrivals=self.arrivals(),
            publisher=self.publisher(folder),
            switches=self.switches,
            lists=self.lists,
            read_live=self.live,
            kind_of=lambda release: self.manifest_of(release).kind,
            nodes=self.nodes,
        )

    def shaking(self, who: str, folder: Path | None = None) -> Shaking:
        """Return somebody's contract check, with what the sources in a campaign's folder make where nothing is live."""
        return Shaking(
            who=who,
            catalog=self.catalog,
            clock=self.clock,
            shelf=Shelf(manifest_of=self.manifest_of, fetch=self.fetch),
            open_bench=self._open_bench,
            launcher=self._launcher,
            templates_of=partial(self._templates_of, self.publisher(folder)),
        )

    @contextmanager
    def _open_bench(self, stores: Sequence[str]) -> Iterator[Bench]:
        """Yield what instances are tried on, with stores of its own; all of it is gone after the block."""
        with workplace(self.house.run / "shakes") as folder:
            root = folder / INSTANCES
            yield Bench(
                host=SandboxHost(Sandboxes(root, confinement=find_confinement())),
                witness=SandboxWitness(root),
                secrets={
                    name: start_store(self._throw_away(name), folder, choose_port(()), self.clock)
                    for name in stores
                },
            )

    def _throw_away(self, name: str) -> ThrowAwayStore:
        live = self.live()
        known = live.policy.campaign.stores if live else self.publisher().campaign().stores
        its = known.get(name)
        return ThrowAwayStore(
            name=name,
            is_durable=its.durable if its else False,
            seed=self.house.folder / its.seed if its and its.seed else None,
        )

    def _launcher(self, given: Mapping[str, str]) -> Launcher:
        """Return what puts launch orders together, with these secrets instead of the campaign's."""
        return Launcher(
            demand_signed=self.believer.demand_signed,
            fetch=self.fetch,
            base_of=self.base_of,
            contract_of=self.contract_of,
            secrets_of=lambda _: given,
        )

    def _templates_of(self, publisher: Publisher, subject: Subject) -> Digest:
        """Return the live template release; where none is live, that of the campaign's source."""
        live = self.pointers.get(subject)
        silent = Telling(step=lambda _: None, upload=lambda _: None)
        return live.release if live else publisher.publish(subject, silent)

    def rollouts(self, who: str) -> Rollouts:
        """Return somebody's say in rollouts."""
        holds = Holds(self.catalog, self.clock)
        return Rollouts(
            who=who, catalog=self.catalog, pointers=self.pointers, targets=self.targets, holds=holds
        )

    def drift(self) -> DriftReport:
        """Return what of this node is not what the pointers say."""
        pointers, node = self.pointers.all(), self.house.node
        gateway, door = self._gateway(self.catalog), self._door(self.catalog)
        cache, host = self._cache(self.catalog), SandboxHost(self.sandboxes)
        inspector = Inspector(
            node=node,
            catalog=self.catalog,
            clock=self.clock,
            targets=self.targets,
            trees=self.house.trees,
            manifest_of=self.manifest_of,
            base_of=self.base_of,
            running=lambda: (name for name, seen in host.observe().items() if seen.is_running),
            routers=(
                RouterView(
                    place=str(Place(role=Role.GATEWAY, node=node)),
                    read_wanted=lambda live, _: gateway.digest_of(live),
                    read_running=gateway.running,
                ),
                RouterView(
                    place=str(Place(role=Role.DOOR, node=node)),
                    read_wanted=lambda live, _: door.digest_of(live),
                    read_running=door.running,
                ),
                RouterView(
                    place=str(Place(role=Role.CACHE, node=node)),
                    read_wanted=cache.name_of,
                    read_running=cache.running,
                ),
            ),
        )
        return inspector.inspect(pointers, self.policies.live(pointers))

    def bundles(self, who: str) -> Bundles:
        """Return somebody's bundles."""
        return Bundles(
            who=who,
            catalog=self.catalog,
            clock=self.clock,
            pointers=self.pointers,
            demand_shaken=self.operator(who).demand_shaken,
        )

    @property
    def nodes(self) -> tuple[str, ...]:
        """Every node that must acknowledge: those of the live policy that have joined and were not removed."""
        return self.read_nodes().named or (self.house.node,)

    def read_nodes(self) -> Nodes:
        """Return the nodes that the live policy names; none before the first policy."""
        live = self.live()
        return read_nodes(self.catalog, live.policy.campaign.nodes if live else ())

    def scales(self, who: str) -> Scales:
        """Return somebody's say in how many instances there are."""
        return Scales(who=who, catalog=self.catalog, clock=self.clock)

    @property
    def node_register(self) -> NodeRegister:
        """What operators decide about nodes."""
        return NodeRegister(self.catalog, self.clock)

    def arrivals(self) -> Arrivals:
        """Watches moved pointers."""
        return Arrivals(self.catalog, self.pointers, self.clock, self.nodes)

    def status(self) -> StatusReport:
        """Return the state of your state."""
        return read_status(
            self.catalog,
            self.clock,
            campaign=self.house.name,
            nodes=self.read_nodes(),
            notes=tuple(self._notes()),
        )

    def _notes(self) -> Iterator[str]:
        images = {
            subject.name: pointer.release
            for subject, pointer in sorted(self.pointers.all().items())
            if subject.kind is Kind.IMAGE
        }
        if on_host := [name for name in images if self.manifest_of(images[name]).base == HOST_BASE]:
            yield f'{", ".join(on_host)}: base = "host", this machine\'s own /usr: for a laptop only'
        if unshaken := [name for name in images if not Shaken(self.catalog).has_passed(images[name])]:
            yield f"{', '.join(unshaken)}: live without having passed the contract check: handshake shake NAME"

    def journal(self) -> tuple[JournalRecord, ...]:
        """Return the newest records of the journal."""
        return read_journal(self.catalog)

    @property
    def switches(self) -> Switches:
        """The switches."""
        return Switches(self.catalog, self.clock)

    @property
    def lists(self) -> Lists:
        """The lists."""
        return Lists(self.catalog, self.clock)

    @property
    def signing_keys(self) -> SigningKeys:
        """The keys that may have signed releases."""
        return SigningKeys(self.catalog, self.clock)

    @property
    def signer(self) -> Signer:
        """Makes keys and signs."""
        return Signer(self.signing_keys, self.secrets, Ed25519())

    def sign(self, release: Digest) -> Signature:
        """Return the active key's signature of a release."""
        return self.signer.sign(release)

    @property
    def believer(self) -> Believer:
        """Decides which releases this node may launch."""
        return Believer(
            read_ring=self.signing_keys.ring,
            read_signatures=partial(signatures, self.stores),
            scheme=Ed25519(),
        )

    def donations(self) -> RedisDonations:
        """The ledger's donations, as a drill reads them."""
        return RedisDonations(self._store_url("ledger"))

    def live(self) -> LivePolicy | None:
        """Return the live policy, None where none was applied yet."""
        return self.policies.live(self.pointers.all())

    def releases(self) -> tuple[Digest, ...]:
        """Return every release that is in the regions."""
        return releases(self.stores)

    def subject_of(self, release: Digest) -> Subject:
        """Return what a release, which is in the regions, was last made as."""
        return provenances(self.stores, release)[-1].subject

    @property
    def pointers(self) -> Pointers:
        """The pointers."""
        return Pointers(self.catalog, self.clock)

    @cached_property
    def policies(self) -> PolicyReader:
        """Policies, read from their releases."""
        return PolicyReader(self.house.name, self.fetch)

    @property
    def targets(self) -> Targets:
        """What the pointers ask of services."""
        return Targets(contract_of=self.contract_of, secrets_digest=self.secrets_digest)

    def fetch(self, release: Digest) -> Path:
        """Return a release's tree on this node."""
        return fetch_release(self.stores, release, self.house.trees)

    def base_of(self, image: Digest) -> Digest | None:
        """Return the release of an image's base, None where it is the host."""
        base = self.manifest_of(image).base
        return None if base == HOST_BASE else parse_digest(base)

    def contract_of(self, image: Digest) -> Contract:
        """Return an image's contract."""
        return parse_contract(self.manifest_of(image).contract)

    def secrets_of(self, stores: Sequence[str]) -> Mapping[str, str]:
        """Return what an instance that needs these stores is given: each store's address with its password."""
        return {name: self._store_url(name) for name in stores}

    def secrets_digest(self, stores: tuple[str, ...]) -> str:
        """Return the keyed digest of what an instance that needs these stores is given."""
        return self.secrets.digest(self.secrets_of(stores).values()) if stores else ""

    def leader(self) -> Leader:
        """Return the leader's cycle."""
        catalog, policies = self.catalog, self.policies

        def campaign_of(pointers: Mapping[Subject, Pointer]) -> CampaignSettings | None:
            policy = policies.in_force(pointers)
            return policy.campaign if policy else None

        runner = StepRunner(catalog, self.pointers, self.clock)
        return Leader(
            catalog=catalog,
            clock=self.clock,
            leadership=Leadership(catalog, f"control@{self.house.node} pid {os.getpid()}"),
            scaler=Scaler(catalog),
            fleets=Fleets(catalog, runner, targets=self.targets),
            pointers=self.pointers,
            campaign_of=campaign_of,
        )

    def agent(self) -> tuple[Agent, Instances]:
        """Return the node's agent and its instances."""
        catalog, targets = self.catalog, self.targets
        for role in Role:
            self._acks(catalog, role).withdraw_all()
        parts = AgentParts(
            node_acks=self._acks(catalog, Role.NODE),
            policies=self.policies,
            targets=targets,
            gateway=self._gateway(catalog),
            door=self._door(catalog),
            cache=self._cache(catalog),
            programs_of=self.programs_of,
            prepare_countries=partial(prepare_countries, self.house),
            sampler=Sampler(node=self.house.node, catalog=catalog, read_log=self.processes.follow("gateway")),
            measurer=Measurer(
                catalog,
                self.clock,
                node=self.house.node,
                count_requests=Servers(Runtime(self.house.socket("gateway-admin"))).count_requests,
                count_cpu=self.sandboxes.processor_seconds,
            ),
            presence=Presence(
                catalog,
                self.clock,
                node=self.house.node,
                address=self.house.address,
                is_home=self.house.is_home,
            ),
        )
        agent = Agent(node=self.house.node, catalog=catalog, clock=self.clock, parts=parts)
        instances = Instances(
            node=self.house.node,
            address=self.house.address,
            catalog=catalog,
            clock=self.clock,
            host=SandboxHost(self.sandboxes),
            launcher=Launcher(
                demand_signed=self.believer.demand_signed,
                fetch=self.fetch,
                base_of=self.base_of,
                contract_of=self.contract_of,
                secrets_of=self.secrets_of,
            ),
            contract_of=self.contract_of,
            target_of=agent.target_of,
            ask=Prober(self.clock).ask,
        )
        return agent, instances

    def health_server(self, instances: Instances) -> ThreadedServer:
        """Return the server of this node's answers to load balancers."""

        def templates_of(report: InstanceReport) -> Subject | None:
            name = self.contract_of(report.generation.image).templates
            return Subject(kind=Kind.TEMPLATES, name=name) if name else None

        app = build_health(
            reports=instances.reports,
            balancer=Balancer(
                templates_of=templates_of,
                read_pointer=self.pointers.get,
                office=PermitOffice(self.catalog, self.clock, self.pace_of),
                ask=Prober(self.clock).ask,
                counters=DogStatsdCounters(self.house.dogstatsd),
            ),
        )
        if self.house.is_home:
            lent = build_objects(
                {store.region: store for store in self.stores}, self.secrets.read(OBJECTS_SECRET)
            )
            app.mount("/objects", lent)
        return ThreadedServer(app, self.house.agent)

    def pace_of(self, service: str) -> Pace:
        """Return how fast load balancers may replace a service's instances, by the live policy."""
        live = self.live()
        settings = live.policy.campaign.services.get(service) if live else None
        if settings is None:
            return Pace(budget=1, soak_seconds=0.0)
        budget = Budget(count=settings.max_parallel) if settings.max_parallel else Budget()
        return Pace(budget=budget.size(settings.floor), soak_seconds=settings.soak_seconds)

    def dashboard_server(self, app: Starlette) -> ThreadedServer:
        """Return the server of the dashboard."""
        return ThreadedServer(app, self.house.dashboard)

    def leader_service(self) -> LeaderService:
        """Return the leader, ready to run."""
        leader = self.leader()
        return LeaderService(self.catalog, leader.cycle, leader.give_up)

    def programs_of(self, live: LivePolicy) -> tuple[LocalProgram, ...]:
        """Return the stores and regions' servers that a policy asks for on this node."""
        if not self.house.is_home:
            return ()
        campaign = live.policy.campaign
        return (
            *(self._region(name, its.listen) for name, its in campaign.regions.items()),
            *(self._store(name, its) for name, its in campaign.stores.items()),
        )

    def _store_url(self, name: str) -> str:
        return self._redis(name, is_durable=False).url

    def _acks(self, catalog: Catalog, role: Role) -> AckWriter:
        return AckWriter(catalog, self.clock, Place(role=role, node=self.house.node))

    def _gateway(self, catalog: Catalog) -> GatewayReconciler:
        haproxy = SupervisedHaproxy(
            "gateway",
            folder=self.house.state("gateway"),
            runtime_socket=self.house.socket("gateway-admin"),
            processes=self.processes,
            clock=self.clock,
        )
        is_root = os.geteuid() == 0
        return GatewayReconciler(
            router=haproxy.router(),
            program=haproxy,
            acks=self._acks(catalog, Role.GATEWAY),
            surroundings=Surroundings(
                digest="",
                listener=GatewayListener(
                    path=self.house.socket("gateway"), user=CACHE_USER if is_root else ""
                ),
                runtime_socket=self.house.socket("gateway-admin"),
                account=Account(user=DOOR_USER, group=DOOR_USER) if is_root else None,
            ),
        )

    def _door(self, catalog: Catalog) -> DoorReconciler:
        maps = self.house.state("door") / "maps"
        door = SupervisedDoor(
            "door",
            folder=self.house.state("door"),
            runtime_socket=self.house.socket("door-admin"),
            maps=maps,
            processes=self.processes,
            clock=self.clock,
        )
        key = base64.b64encode(self.secrets.read("decoy").encode()).decode()
        return DoorReconciler(
            door=door,
            acks=self._acks(catalog, Role.DOOR),
            surroundings=DoorSurroundings(
                digest="",
                listeners=(DoorListener(address=self.house.door),),
                runtime_socket=str(self.house.socket("door-admin")),
                maps=str(maps),
                cache_socket=str(self.house.socket("cache")),
                regions=tuple(
                    Region(
                        name=name,
                        socket=str(self.house.socket(f"egress-{name}")),
                        address=address,
                        host=address,
                        health_path="/health",
                    )
                    for name, address in self.house.regions.items()
                ),
                decoy_key=key,
                accounts=Accounts(door=DOOR_USER, cache=CACHE_USER) if os.geteuid() == 0 else Accounts(),
            ),
        )

    def _cache(self, catalog: Catalog) -> CacheReconciler:
        program = VarnishProgram(
            directory=self.house.state("cache"),
            socket=self.house.socket("cache"),
            door_user=DOOR_USER if os.geteuid() == 0 else "",
        )
        return CacheReconciler(
            cache=SupervisedCache("cache", program=program, processes=self.processes, clock=self.clock),
            acks=self._acks(catalog, Role.CACHE),
            surroundings=CacheSurroundings(
                gateway_socket=str(self.house.socket("gateway")),
                regions=tuple(
                    RegionSocket(name=name, socket=str(self.house.socket(f"egress-{name}")))
                    for name in self.house.regions
                ),
            ),
            manifest_of=self.manifest_of,
        )

    def _region(self, name: str, listen: str) -> SupervisedRegion:
        host, _, port = listen.rpartition(":")
        server = RegionServer(
            directory=self.house.region(name),
            state=self.house.state(f"region-{name}"),
            host=host,
            port=int(port),
            user=FILES_USER if os.geteuid() == 0 else "",
        )
        return SupervisedRegion(f"region-{name}", server=server, processes=self.processes)

    def _store(self, name: str, settings: StoreSettings) -> SupervisedStore:
        return SupervisedStore(
            f"store-{name}",
            store=self._redis(name, is_durable=settings.durable),
            seed=self.house.folder / settings.seed if settings.seed else None,
            processes=self.processes,
        )

    def _redis(self, name: str, *, is_durable: bool) -> RedisStore:
        host, _, port = self.house.stores[name].rpartition(":")
        return RedisStore(
            directory=self.house.store(name),
            host=host,
            port=int(port),
            password=self.secrets.read(f"store-{name}"),
            is_durable=is_durable,
        )
