"""The routers of one node, and their comparison with the pointers."""

from __future__ import annotations

import base64
import os

from handshake.agent.drift import DriftReport, Inspector, RouterView
from handshake.catalog.catalog import Catalog
from handshake.compose.foundation import Foundation
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
from handshake.site.traffic import SiteTraffics

INGRESS_USER = "haproxy"
CACHE_MEGABYTES = 256
CACHE_USER = "vcache"


class Routing(Foundation):
    """Gateway, ingress and cache."""

    def _gateway(self, catalog: Catalog) -> GatewayReconciler:
        haproxy = SupervisedHaproxy(
            "gateway",
            folder=self.paths.state("gateway"),
            runtime_socket=self.paths.socket("gateway-admin"),
            processes=self.processes,
            clock=self.clock,
        )
        is_root = os.geteuid() == 0
        return GatewayReconciler(
            router=haproxy.router(),
            program=haproxy,
            acks=self._acks(catalog, Role.GATEWAY),
            surroundings=GatewayTarget(
                digest="",
                listener=GatewayListener(
                    path=self.paths.socket("gateway"), user=CACHE_USER if is_root else ""
                ),
                runtime_socket=self.paths.socket("gateway-admin"),
                account=UnixAccount(user=INGRESS_USER, group=INGRESS_USER) if is_root else None,
            ),
        )

    def _ingress(self, catalog: Catalog) -> IngressReconciler:
        maps = self.paths.state("ingress") / "maps"
        ingress = SupervisedIngress(
            "ingress",
            folder=self.paths.state("ingress"),
            runtime_socket=self.paths.socket("ingress-admin"),
            maps=maps,
            processes=self.processes,
            clock=self.clock,
        )
        key = base64.b64encode(self.secrets.read("decoy").encode()).decode()
        return IngressReconciler(
            ingress=ingress,
            acks=self._acks(catalog, Role.INGRESS),
            surroundings=IngressTarget(
                digest="",
                listeners=self._listeners(),
                acme=self.paths.acme,
                runtime_socket=str(self.paths.socket("ingress-admin")),
                maps=str(maps),
                cache_socket=str(self.paths.socket("cache")),
                regions=tuple(
                    self._origin_proxy(name, address) for name, address in self.paths.regions.items()
                ),
                decoy_key=key,
                accounts=Accounts(ingress=INGRESS_USER, cache=CACHE_USER)
                if os.geteuid() == 0
                else Accounts(),
            ),
            certificates=lambda: digest_certificates(self.paths.certificate_folder),
        )

    def _listeners(self) -> tuple[IngressListener, ...]:
        folder = self.paths.certificate_folder
        plain = IngressListener(address=self.paths.ingress)
        if folder is None:
            return (plain,)
        if not self.paths.certificates:
            address, _, _ = self.paths.ingress_tls.rpartition(":")
            make_self_signed(folder, self.clock, address=address)
        return plain, IngressListener(address=self.paths.ingress_tls, certificate=str(folder))

    def _origin_proxy(self, name: str, address: str) -> Region:
        socket, bucket = str(self.paths.socket(f"origin-{name}")), self.paths.buckets.get(name)
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

    def _cache(self, catalog: Catalog) -> CacheReconciler:
        program = VarnishProgram(
            directory=self.paths.state("cache"),
            socket=self.paths.socket("cache"),
            ingress_user=INGRESS_USER if os.geteuid() == 0 else "",
            storage_megabytes=CACHE_MEGABYTES,
        )
        return CacheReconciler(
            cache=SupervisedCache("cache", program=program, processes=self.processes, clock=self.clock),
            acks=self._acks(catalog, Role.CACHE),
            surroundings=self.cache_surroundings(),
            manifest_of=self.manifest_of,
        )

    def cache_surroundings(self) -> CacheTarget:
        """Return where this node's cache fetches from."""
        return CacheTarget(
            gateway_socket=str(self.paths.socket("gateway")),
            regions=tuple(
                RegionSocket(name=name, socket=str(self.paths.socket(f"origin-{name}")))
                for name in self.paths.regions
            ),
            storage_megabytes=CACHE_MEGABYTES,
        )

    def drift(self) -> DriftReport:
        """Return what of this node is not what the pointers say."""
        pointers, node = self.pointers.all(), self.paths.node
        gateway, ingress = self._gateway(self.catalog), self._ingress(self.catalog)
        cache, host = self._cache(self.catalog), SandboxHost(self.sandboxes)
        inspector = Inspector(
            node=node,
            catalog=self.catalog,
            clock=self.clock,
            targets=self.targets,
            trees=self.paths.trees,
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
                    place=str(Place(role=Role.INGRESS, node=node)),
                    read_wanted=lambda live, _: ingress.digest_of(live),
                    read_running=ingress.running,
                ),
                RouterView(
                    place=str(Place(role=Role.CACHE, node=node)),
                    read_wanted=lambda live, all_of: cache.name_of(
                        live, all_of, SiteTraffics(self.catalog, self.clock).read()
                    ),
                    read_running=cache.running,
                ),
            ),
        )
        return inspector.inspect(pointers, self.policies.live(pointers))
