"""The routers of one node, and their comparison with the pointers."""

from __future__ import annotations

import base64
import os

from handshake.agent.drift import DriftReport, Inspector, RouterView
from handshake.compose.campaign import CampaignParts
from handshake.core.clock import Clock
from handshake.drivers.haproxy.supervised import SupervisedHaproxy, SupervisedIngress
from handshake.drivers.sandbox.sandboxes import SandboxHost
from handshake.drivers.varnish.cache import SupervisedCache
from handshake.drivers.varnish.program import VarnishProgram
from handshake.drivers.x509.self_signed import make_self_signed
from handshake.edge.cache.compile.target import CacheTarget, RegionSocket
from handshake.edge.cache.reconcile import CacheReconciler
from handshake.edge.ingress.compile.target import Accounts, IngressListener, IngressTarget, Region
from handshake.edge.ingress.reconcile import IngressReconciler, digest_certificates
from handshake.gateway.haproxy import GatewayListener, GatewayTarget, UnixAccount
from handshake.gateway.reconcile import GatewayReconciler
from handshake.pointers.acks import Place, Role
from handshake.release.node_paths import NodePaths
from handshake.site.traffic import SiteTraffics

INGRESS_USER = "haproxy"
CACHE_MEGABYTES = 256
CACHE_USER = "vcache"


def compose_gateway(campaign: CampaignParts) -> GatewayReconciler:
    """Return the loop that keeps this node's gateway."""
    paths = campaign.paths
    haproxy = SupervisedHaproxy(
        "gateway",
        folder=paths.state("gateway"),
        runtime_socket=paths.socket("gateway-admin"),
        processes=campaign.processes,
        clock=campaign.clock,
    )
    is_root = os.geteuid() == 0
    return GatewayReconciler(
        router=haproxy.router(),
        program=haproxy,
        acks=campaign.acks_of(Role.GATEWAY),
        target=GatewayTarget(
            digest="",
            listener=GatewayListener(path=paths.socket("gateway"), user=CACHE_USER if is_root else ""),
            runtime_socket=paths.socket("gateway-admin"),
            account=UnixAccount(user=INGRESS_USER, group=INGRESS_USER) if is_root else None,
        ),
    )


def compose_ingress(campaign: CampaignParts) -> IngressReconciler:
    """Return the loop that keeps this node's ingress."""
    paths = campaign.paths
    maps = paths.state("ingress") / "maps"
    ingress = SupervisedIngress(
        "ingress",
        folder=paths.state("ingress"),
        runtime_socket=paths.socket("ingress-admin"),
        maps=maps,
        processes=campaign.processes,
        clock=campaign.clock,
    )
    key = base64.b64encode(campaign.live_data.secrets.read("decoy").encode()).decode()
    return IngressReconciler(
        ingress=ingress,
        acks=campaign.acks_of(Role.INGRESS),
        target=IngressTarget(
            digest="",
            listeners=_find_listeners(paths, campaign.clock),
            acme=paths.acme,
            runtime_socket=str(paths.socket("ingress-admin")),
            maps=str(maps),
            cache_socket=str(paths.socket("cache")),
            regions=tuple(_describe_region(paths, name, address) for name, address in paths.regions.items()),
            decoy_key=key,
            accounts=Accounts(ingress=INGRESS_USER, cache=CACHE_USER) if os.geteuid() == 0 else Accounts(),
        ),
        certificates=lambda: digest_certificates(paths.certificate_folder),
    )


def _find_listeners(paths: NodePaths, clock: Clock) -> tuple[IngressListener, ...]:
    folder = paths.certificate_folder
    plain = IngressListener(address=paths.ingress)
    if folder is None:
        return (plain,)
    if not paths.certificates:
        address, _, _ = paths.ingress_tls.rpartition(":")
        make_self_signed(folder, clock, address=address)
    return plain, IngressListener(address=paths.ingress_tls, certificate=str(folder))


def _describe_region(paths: NodePaths, name: str, address: str) -> Region:
    socket, bucket = str(paths.socket(f"origin-{name}")), paths.buckets.get(name)
    if bucket is None:
        return Region(name=name, socket=socket, address=address, host=address, health_path="/health")
    return Region(
        name=name,
        socket=socket,
        address=bucket.address,
        host=bucket.host,
        prefix=bucket.path,
        tls_ca_file=bucket.authorities if bucket.is_tls else "",
    )


def compose_cache(campaign: CampaignParts) -> CacheReconciler:
    """Return the loop that keeps this node's cache."""
    paths = campaign.paths
    program = VarnishProgram(
        directory=paths.state("cache"),
        socket=paths.socket("cache"),
        ingress_user=INGRESS_USER if os.geteuid() == 0 else "",
        storage_megabytes=CACHE_MEGABYTES,
    )
    return CacheReconciler(
        cache=SupervisedCache("cache", program=program, processes=campaign.processes, clock=campaign.clock),
        acks=campaign.acks_of(Role.CACHE),
        target=describe_cache_target(paths),
        manifest_of=campaign.manifest_of,
    )


def describe_cache_target(paths: NodePaths) -> CacheTarget:
    """Return where this node's cache fetches from."""
    return CacheTarget(
        gateway_socket=str(paths.socket("gateway")),
        regions=tuple(
            RegionSocket(name=name, socket=str(paths.socket(f"origin-{name}"))) for name in paths.regions
        ),
        storage_megabytes=CACHE_MEGABYTES,
    )


def inspect_drift(campaign: CampaignParts) -> DriftReport:
    """Return how this node differs from the pointers."""
    pointers, host = campaign.live_data.pointers.all(), SandboxHost(campaign.sandboxes)
    inspector = Inspector(
        node=campaign.paths.node,
        catalog=campaign.live_data.catalog,
        clock=campaign.clock,
        targets=campaign.targets,
        trees=campaign.paths.trees,
        manifest_of=campaign.manifest_of,
        base_of=campaign.base_of,
        running=lambda: (name for name, seen in host.observe().items() if seen.is_running),
        routers=_view_routers(campaign),
    )
    return inspector.inspect(pointers, campaign.policies.live(pointers))


def _view_routers(campaign: CampaignParts) -> tuple[RouterView, ...]:
    """Return what each router should run by the pointers, and what it reports to run."""
    gateway, ingress, cache = compose_gateway(campaign), compose_ingress(campaign), compose_cache(campaign)
    traffic = SiteTraffics(campaign.live_data.catalog, campaign.clock)

    def place_of(role: Role) -> str:
        return str(Place(role=role, node=campaign.paths.node))

    return (
        RouterView(
            place=place_of(Role.GATEWAY),
            read_wanted=lambda live, _: gateway.digest_of(live),
            read_running=gateway.running,
        ),
        RouterView(
            place=place_of(Role.INGRESS),
            read_wanted=lambda live, _: ingress.digest_of(live),
            read_running=ingress.running,
        ),
        RouterView(
            place=place_of(Role.CACHE),
            read_wanted=lambda live, pointers: cache.name_of(live, pointers, traffic.read()),
            read_running=cache.running,
        ),
    )
