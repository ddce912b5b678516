"""What everything else is put together from: catalogue, regions, releases, secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache, partial
from pathlib import Path

from handshake.catalog.catalog import Catalog
from handshake.control.acks import AckWriter
from handshake.control.bucket_keys import bucket_secret
from handshake.control.house import House
from handshake.control.invitation import OBJECTS_SECRET
from handshake.control.lists.lists import Lists
from handshake.control.lists.shelf import ListShelf
from handshake.control.live import LivePolicy, PolicyReader
from handshake.control.nodes import Nodes, read_nodes
from handshake.control.pointers import Pointers
from handshake.control.secrets import Secrets
from handshake.control.shelf import fetch_release, load_manifest, provenances, releases, signatures
from handshake.control.signing import Believer
from handshake.control.signing_keys import SigningKeys
from handshake.control.switches import Switches
from handshake.control.targets import Targets
from handshake.core.ack import Place, Role
from handshake.core.clock import Clock
from handshake.core.digest import Digest, parse_digest
from handshake.core.objects import ObjectStore
from handshake.core.release import Subject
from handshake.drivers.consul.catalog import ConsulCatalog
from handshake.drivers.directory.store import DirectoryStore, make_region
from handshake.drivers.ed25519.scheme import Ed25519
from handshake.drivers.http.objects import LentStore
from handshake.drivers.process.processes import Processes
from handshake.drivers.process.supervision import HouseSupervision
from handshake.drivers.redis.program import RedisStore
from handshake.drivers.s3.credential import parse_credential
from handshake.drivers.s3.store import S3Store
from handshake.drivers.sandbox.cgroup import find_cgroups
from handshake.drivers.sandbox.confinement import find_confinement
from handshake.drivers.sandbox.sandboxes import Sandboxes
from handshake.image.contract import Contract, parse_contract
from handshake.image.recipe import HOST_BASE


class Foundation:
    """One campaign's ground floor, made from its house."""

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

    @cached_property
    def stores(self) -> tuple[ObjectStore, ...]:
        """Every region's object store; a region whose folder is gone does not answer."""
        if not self.house.is_home:
            credential = self.secrets.read(OBJECTS_SECRET)
            return tuple(
                LentStore(address=self.house.home, region=name, credential=credential)
                for name in self.house.regions
            )
        return tuple(map(self._store_of, self.house.regions))

    def _store_of(self, region: str) -> ObjectStore:
        if region not in self.house.buckets:
            return DirectoryStore(self.house.region(region), region)
        key = parse_credential(self.secrets.read(bucket_secret(region)), region)
        return S3Store(self.house.buckets[region], key, region)

    def make_regions(self) -> None:
        """Make the folder of every region that is a directory, at the first start."""
        for name in self.house.regions.keys() - self.house.buckets.keys():
            make_region(self.house.region(name), name)

    @property
    def processes(self) -> Processes:
        """The supervised programs of this node."""
        return Processes(self.house.programs)

    @property
    def sandboxes(self) -> Sandboxes:
        """The sandboxed instances of this node."""
        return Sandboxes(self.house.instances, confinement=find_confinement(), cgroups=find_cgroups())

    @property
    def supervision(self) -> HouseSupervision:
        """Everything that runs on this node, to be started and stopped."""
        return HouseSupervision(programs=self.processes, instances=Processes(self.house.instances))

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

    @property
    def signing_keys(self) -> SigningKeys:
        """The keys that may have signed releases."""
        return SigningKeys(self.catalog, self.clock)

    @property
    def believer(self) -> Believer:
        """Decides which releases this node may launch."""
        return Believer(
            read_ring=self.signing_keys.ring,
            read_signatures=partial(signatures, self.stores),
            scheme=Ed25519(),
        )

    def live(self) -> LivePolicy | None:
        """Return the live policy, None where none was applied yet."""
        return self.policies.live(self.pointers.all())

    def releases(self) -> tuple[Digest, ...]:
        """Return every release that is in the regions."""
        return releases(self.stores)

    @property
    def nodes(self) -> tuple[str, ...]:
        """Every node that must acknowledge: those of the live policy that have joined and were not removed."""
        return self.read_nodes().named or (self.house.node,)

    def read_nodes(self) -> Nodes:
        """Return the nodes that the live policy names; none before the first policy."""
        live = self.live()
        return read_nodes(self.catalog, live.policy.campaign.nodes if live else ())

    def subject_of(self, release: Digest) -> Subject:
        """Return what a release, which is in the regions, was last made as."""
        return provenances(self.stores, release)[-1].subject

    def _store_url(self, name: str) -> str:
        return self._redis(name, is_durable=False).url

    def _redis(self, name: str, *, is_durable: bool) -> RedisStore:
        host, _, port = self.house.stores[name].rpartition(":")
        return RedisStore(
            directory=self.house.store(name),
            host=host,
            port=int(port),
            password=self.secrets.read(f"store-{name}"),
            is_durable=is_durable,
        )

    @property
    def switches(self) -> Switches:
        """The switches."""
        return Switches(self.catalog, self.clock)

    @property
    def lists(self) -> Lists:
        """The lists."""
        return Lists(self.catalog, self.clock, self.list_shelf)

    @property
    def list_shelf(self) -> ListShelf:
        """Snapshots of lists in the regions."""
        return ListShelf(self.stores)

    def _acks(self, catalog: Catalog, role: Role) -> AckWriter:
        return AckWriter(catalog, self.clock, Place(role=role, node=self.house.node))
