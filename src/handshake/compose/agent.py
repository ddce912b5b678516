"""One node: its agent, and the programs that the agent starts."""

from __future__ import annotations

import os
from functools import partial

from handshake.agent.agent import Agent, AgentParts, LocalProgram
from handshake.agent.heartbeat import Heartbeat
from handshake.agent.joining import OBJECTS_SECRET, build_objects
from handshake.campaign.live_policy import LivePolicy
from handshake.campaign.settings import StoreSettings
from handshake.compose.routers import Routing
from handshake.core.subject import Kind, Subject
from handshake.drivers.datadog.counters import DogStatsdCounters
from handshake.drivers.haproxy.router import Servers
from handshake.drivers.haproxy.runtime import Runtime
from handshake.drivers.http.server import ThreadedServer
from handshake.drivers.nginx.region_server import RegionServer, SupervisedRegion
from handshake.drivers.redis.store import SupervisedStore
from handshake.drivers.sandbox.sandboxes import SandboxHost
from handshake.edge.ingress.country_maps import prepare_countries
from handshake.edge.ingress.runtime_maps import FollowedLists
from handshake.edge.lists.map_file import ListFollower
from handshake.fleet.engine.state import Budget
from handshake.fleet.instance import InstanceReport
from handshake.fleet.instances.instances import Instances, Prober
from handshake.fleet.instances.launch import Launcher
from handshake.fleet.instances.metrics import Measurer, Sampler
from handshake.fleet.load_balancer.balancer import Balancer, build_health
from handshake.fleet.load_balancer.permit_store import PermitStore, ReplacementPace
from handshake.pointers.acks import Role

FILES_USER = "www-data"


class NodeParts(Routing):
    """What runs on a node."""

    def agent(self) -> tuple[Agent, Instances]:
        """Return the node's agent and its instances."""
        for role in Role:
            self._acks(self.catalog, role).withdraw_all()
        agent = Agent(node=self.paths.node, catalog=self.catalog, clock=self.clock, parts=self._agent_parts())
        return agent, self._instances(agent)

    def _agent_parts(self) -> AgentParts:
        catalog = self.catalog
        return AgentParts(
            node_acks=self._acks(catalog, Role.NODE),
            policies=self.policies,
            targets=self.targets,
            gateway=self._gateway(catalog),
            ingress=self._ingress(catalog),
            cache=self._cache(catalog),
            programs_of=self.programs_of,
            prepare_countries=partial(prepare_countries, self.paths),
            lists=FollowedLists(
                self.paths.state("ingress") / "maps", partial(ListFollower, catalog, self.list_shelf)
            ),
            sampler=Sampler(node=self.paths.node, catalog=catalog, read_log=self.processes.follow("gateway")),
            measurer=Measurer(
                catalog,
                self.clock,
                node=self.paths.node,
                count_requests=Servers(Runtime(self.paths.socket("gateway-admin"))).count_requests,
                count_cpu=self.sandboxes.processor_seconds,
            ),
            presence=self._presence(),
        )

    def _presence(self) -> Heartbeat:
        return Heartbeat(
            self.catalog,
            self.clock,
            node=self.paths.node,
            address=self.paths.address,
            is_home=self.paths.is_home,
            limited_by=self.sandboxes.limited_by,
        )

    def _instances(self, agent: Agent) -> Instances:
        return Instances(
            node=self.paths.node,
            address=self.paths.address,
            catalog=self.catalog,
            clock=self.clock,
            host=SandboxHost(self.sandboxes),
            launcher=Launcher(
                require_signed=self.signature_verifier.require_signed,
                fetch=self.fetch,
                base_of=self.base_of,
                contract_of=self.contract_of,
                secrets_of=self.secrets_of,
            ),
            contract_of=self.contract_of,
            target_of=agent.target_of,
            ask=Prober(self.clock).ask,
        )

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
                office=PermitStore(self.catalog, self.clock, self.pace_of),
                ask=Prober(self.clock).ask,
                counters=DogStatsdCounters(self.paths.dogstatsd),
            ),
        )
        if self.paths.is_home:
            lent = build_objects(
                {store.region: store for store in self.stores}, self.secrets.read(OBJECTS_SECRET)
            )
            app.mount("/objects", lent)
        return ThreadedServer(app, self.paths.agent)

    def pace_of(self, service: str) -> ReplacementPace:
        """Return how fast load balancers may replace a service's instances, by the live policy."""
        live = self.live()
        settings = live.policy.campaign.services.get(service) if live else None
        if settings is None:
            return ReplacementPace(budget=1, soak_seconds=0.0)
        budget = Budget(count=settings.max_parallel) if settings.max_parallel else Budget()
        return ReplacementPace(budget=budget.size(settings.floor), soak_seconds=settings.soak_seconds)

    def programs_of(self, live: LivePolicy) -> tuple[LocalProgram, ...]:
        """Return the stores and regions' servers that a policy asks for on this node."""
        if not self.paths.is_home:
            return ()
        campaign = live.policy.campaign
        return (
            *(self._region(name, its.listen) for name, its in campaign.regions.items() if its.listen),
            *(self._store(name, its) for name, its in campaign.stores.items()),
        )

    def _region(self, name: str, listen: str) -> SupervisedRegion:
        host, _, port = listen.rpartition(":")
        server = RegionServer(
            directory=self.paths.region(name),
            state=self.paths.state(f"region-{name}"),
            host=host,
            port=int(port),
            user=FILES_USER if os.geteuid() == 0 else "",
        )
        return SupervisedRegion(f"region-{name}", server=server, processes=self.processes)

    def _store(self, name: str, settings: StoreSettings) -> SupervisedStore:
        return SupervisedStore(
            f"store-{name}",
            store=self._redis(name, is_durable=settings.durable),
            seed=self.paths.folder / settings.seed if settings.seed else None,
            processes=self.processes,
        )
