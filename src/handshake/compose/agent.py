"""The agent's process: the agent of one node, its instances, and its health server."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from handshake.agent.agent import Agent, AgentParts, LocalProgram
from handshake.agent.heartbeat import Heartbeat
from handshake.agent.joining import OBJECTS_SECRET, build_objects
from handshake.campaign.live_policy import LivePolicy
from handshake.campaign.settings import StoreSettings
from handshake.compose.campaign import CampaignParts, compose_campaign
from handshake.compose.publishing import compose_launcher
from handshake.compose.routers import compose_cache, compose_gateway, compose_ingress
from handshake.core.clock import Clock
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
from handshake.fleet.instances.metrics import Measurer, Sampler
from handshake.fleet.load_balancer.balancer import Balancer, build_health
from handshake.fleet.load_balancer.permit_store import PermitStore, ReplacementPace
from handshake.pointers.acks import Role
from handshake.release.node_paths import NodePaths

FILES_USER = "www-data"


@dataclass(frozen=True, kw_only=True)
class AgentProcess:
    """The parts that the agent's process runs; nothing is started yet."""

    agent: Agent
    instances: Instances
    serve_health: Callable[[], ThreadedServer]
    """Starts the server that answers load balancers and lends the regions' objects to other nodes."""


def compose_agent(paths: NodePaths, clock: Clock) -> AgentProcess:
    """Return a node's agent. Withdraws the acks of an earlier agent: their state has not been read back yet."""
    campaign = compose_campaign(paths, clock)
    for role in Role:
        campaign.acks_of(role).withdraw_all()
    agent = Agent(
        node=paths.node, catalog=campaign.live_data.catalog, clock=clock, parts=_compose_parts(campaign)
    )
    instances = _compose_instances(campaign, agent)
    return AgentProcess(
        agent=agent, instances=instances, serve_health=partial(_serve_health, campaign, instances)
    )


def _compose_parts(campaign: CampaignParts) -> AgentParts:
    paths, catalog, sandboxes = campaign.paths, campaign.live_data.catalog, campaign.sandboxes
    return AgentParts(
        node_acks=campaign.acks_of(Role.NODE),
        policies=campaign.policies,
        targets=campaign.targets,
        gateway=compose_gateway(campaign),
        ingress=compose_ingress(campaign),
        cache=compose_cache(campaign),
        programs_of=partial(_find_programs, campaign),
        prepare_countries=partial(prepare_countries, paths),
        lists=FollowedLists(
            paths.state("ingress") / "maps",
            partial(ListFollower, catalog, campaign.live_data.list_snapshots),
        ),
        sampler=Sampler(node=paths.node, catalog=catalog, read_log=campaign.processes.follow("gateway")),
        measurer=Measurer(
            catalog,
            campaign.clock,
            node=paths.node,
            count_requests=Servers(Runtime(paths.socket("gateway-admin"))).count_requests,
            count_cpu=sandboxes.processor_seconds,
        ),
        presence=Heartbeat(
            catalog,
            campaign.clock,
            node=paths.node,
            address=paths.address,
            is_home=paths.is_home,
            limited_by=sandboxes.limited_by,
        ),
    )


def _compose_instances(campaign: CampaignParts, agent: Agent) -> Instances:
    return Instances(
        node=campaign.paths.node,
        address=campaign.paths.address,
        catalog=campaign.live_data.catalog,
        clock=campaign.clock,
        host=SandboxHost(campaign.sandboxes),
        launcher=compose_launcher(campaign, campaign.secrets_of),
        contract_of=campaign.contract_of,
        target_of=agent.target_of,
        ask=Prober(campaign.clock).ask,
    )


def _serve_health(campaign: CampaignParts, instances: Instances) -> ThreadedServer:
    live_data = campaign.live_data

    def templates_of(report: InstanceReport) -> Subject | None:
        name = campaign.contract_of(report.generation.image).templates
        return Subject(kind=Kind.TEMPLATES, name=name) if name else None

    app = build_health(
        reports=instances.reports,
        balancer=Balancer(
            templates_of=templates_of,
            read_pointer=live_data.pointers.get,
            office=PermitStore(live_data.catalog, campaign.clock, partial(_find_pace, campaign)),
            ask=Prober(campaign.clock).ask,
            counters=DogStatsdCounters(campaign.paths.dogstatsd),
        ),
    )
    if campaign.paths.is_home:
        stores = {store.region: store for store in live_data.stores}
        app.mount("/objects", build_objects(stores, live_data.secrets.read(OBJECTS_SECRET)))
    return ThreadedServer(app, campaign.paths.agent)


def _find_pace(campaign: CampaignParts, service: str) -> ReplacementPace:
    """Return how fast load balancers may replace a service's instances, by the live policy."""
    live = campaign.live()
    settings = live.policy.campaign.services.get(service) if live else None
    if settings is None:
        return ReplacementPace(budget=1, soak_seconds=0.0)
    budget = Budget(count=settings.max_parallel) if settings.max_parallel else Budget()
    return ReplacementPace(budget=budget.size(settings.floor), soak_seconds=settings.soak_seconds)


def _find_programs(campaign: CampaignParts, live: LivePolicy) -> tuple[LocalProgram, ...]:
    """Return the stores and region servers that a policy requires on this node."""
    if not campaign.paths.is_home:
        return ()
    settings = live.policy.campaign
    return (
        *(
            _compose_region(campaign, name, its.listen)
            for name, its in settings.regions.items()
            if its.listen
        ),
        *(_compose_store(campaign, name, its) for name, its in settings.stores.items()),
    )


def _compose_region(campaign: CampaignParts, name: str, listen: str) -> SupervisedRegion:
    host, _, port = listen.rpartition(":")
    server = RegionServer(
        directory=campaign.paths.region(name),
        state=campaign.paths.state(f"region-{name}"),
        host=host,
        port=int(port),
        user=FILES_USER if os.geteuid() == 0 else "",
    )
    return SupervisedRegion(f"region-{name}", server=server, processes=campaign.processes)


def _compose_store(campaign: CampaignParts, name: str, settings: StoreSettings) -> SupervisedStore:
    return SupervisedStore(
        f"store-{name}",
        store=campaign.store(name, is_durable=settings.durable),
        seed=campaign.paths.folder / settings.seed if settings.seed else None,
        processes=campaign.processes,
    )
