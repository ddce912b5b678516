"""The routers of one node, and how they are compared with what the pointers say."""

from __future__ import annotations

import base64
import os

from handshake.agent.drift import DriftReport, Inspector, RouterView
from handshake.catalog.catalog import Catalog
from handshake.compose.foundation import Foundation
from handshake.drivers.haproxy.supervised import SupervisedDoor, SupervisedHaproxy
from handshake.drivers.sandbox.sandboxes import SandboxHost
from handshake.drivers.varnish.cache import SupervisedCache
from handshake.drivers.varnish.program import VarnishProgram
from handshake.drivers.x509.self_signed import make_self_signed
from handshake.edge.cache.compile.target import CacheTarget, RegionSocket
from handshake.edge.cache.reconcile import CacheReconciler
from handshake.edge.ingress.compile.target import Accounts, IngressTarget, Region
from handshake.edge.ingress.compile.target import IngressListener as DoorListener
from handshake.edge.ingress.reconcile import DoorReconciler, digest_certificates
from handshake.gateway.haproxy import GatewayListener, GatewayTarget, UnixAccount
from handshake.gateway.reconcile import GatewayReconciler
from handshake.pointers.acks import Place, Role
from handshake.site.traffic import SiteTraffics

DOOR_USER = "haproxy"
CACHE_MEGABYTES = 256
CACHE_USER = "vcache"


class Routing(Foundation):
    """Gateway, door and cache."""

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
            surroundings=GatewayTarget(
                digest="",
                listener=GatewayListener(
                    path=self.house.socket("gateway"), user=CACHE_USER if is_root else ""
                ),
                runtime_socket=self.house.socket("gateway-admin"),
                account=UnixAccount(user=DOOR_USER, group=DOOR_USER) if is_root else None,
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
            surroundings=IngressTarget(
                digest="",
                listeners=self._listeners(),
                acme=self.house.acme,
                runtime_socket=str(self.house.socket("door-admin")),
                maps=str(maps),
                cache_socket=str(self.house.socket("cache")),
                regions=tuple(self._egress(name, address) for name, address in self.house.regions.items()),
                decoy_key=key,
                accounts=Accounts(door=DOOR_USER, cache=CACHE_USER) if os.geteuid() == 0 else Accounts(),
            ),
            certificates=lambda: digest_certificates(self.house.certificate_folder),
        )

    def _listeners(self) -> tuple[DoorListener, ...]:
        folder = self.house.certificate_folder
        plain = DoorListener(address=self.house.door)
        if folder is None:
            return (plain,)
        if not self.house.certificates:
            address, _, _ = self.house.door_tls.rpartition(":")
            make_self_signed(folder, self.clock, address=address)
        return plain, DoorListener(address=self.house.door_tls, certificate=str(folder))

    def _egress(self, name: str, address: str) -> Region:
        socket, bucket = str(self.house.socket(f"egress-{name}")), self.house.buckets.get(name)
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
            directory=self.house.state("cache"),
            socket=self.house.socket("cache"),
            door_user=DOOR_USER if os.geteuid() == 0 else "",
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
            gateway_socket=str(self.house.socket("gateway")),
            regions=tuple(
                RegionSocket(name=name, socket=str(self.house.socket(f"egress-{name}")))
                for name in self.house.regions
            ),
            storage_megabytes=CACHE_MEGABYTES,
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
                    read_wanted=lambda live, all_of: cache.name_of(
                        live, all_of, SiteTraffics(self.catalog, self.clock).read()
                    ),
                    read_running=cache.running,
                ),
            ),
        )
        return inspector.inspect(pointers, self.policies.live(pointers))
