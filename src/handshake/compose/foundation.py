"""The parts that everything else needs: catalogue, regions, releases, secrets."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property, lru_cache, partial

from handshake.campaign.live_policy import LivePolicy, PolicyReader
from handshake.catalog.catalog import Catalog
from handshake.compose.live_data import LiveDataWiring
from handshake.core.clock import Clock
from handshake.core.digest import Digest, parse_digest
from handshake.core.subject import Subject
from handshake.drivers.directory.store import make_region
from handshake.drivers.ed25519.scheme import Ed25519
from handshake.drivers.process.processes import NodeSupervision, Processes
from handshake.drivers.redis.store import RedisStore
from handshake.drivers.sandbox.cgroup import find_cgroups
from handshake.drivers.sandbox.confinement import find_confinement
from handshake.drivers.sandbox.sandboxes import Sandboxes
from handshake.fleet.generations import GenerationReader
from handshake.image.recipe import HOST_BASE
from handshake.pointers.acks import AckWriter, Place, Role
from handshake.release.image_contract import Contract, parse_contract
from handshake.release.node_paths import NodePaths
from handshake.release.signing import SignatureVerifier, SigningKeys
from handshake.release.store import load_manifest, provenances, releases, signatures


class Foundation(LiveDataWiring):
    """One campaign's basic parts."""

    def __init__(self, paths: NodePaths, clock: Clock) -> None:
        super().__init__(paths, clock)
        self.manifest_of = lru_cache(maxsize=512)(partial(load_manifest, self.stores))

    def make_regions(self) -> None:
        """Make the folder of every region that is a directory, at the first start."""
        for name in self.paths.regions.keys() - self.paths.buckets.keys():
            make_region(self.paths.region(name), name)

    @property
    def processes(self) -> Processes:
        """The supervised programs of this node."""
        return Processes(self.paths.programs)

    @property
    def sandboxes(self) -> Sandboxes:
        """The sandboxed instances of this node."""
        return Sandboxes(self.paths.instances, confinement=find_confinement(), cgroups=find_cgroups())

    @property
    def supervision(self) -> NodeSupervision:
        """Everything that runs on this node, to be started and stopped."""
        return NodeSupervision(programs=self.processes, instances=Processes(self.paths.instances))

    @cached_property
    def policies(self) -> PolicyReader:
        """Policies, read from their releases."""
        return PolicyReader(self.paths.name, self.fetch)

    @property
    def targets(self) -> GenerationReader:
        """What the pointers ask of services."""
        return GenerationReader(contract_of=self.contract_of, secrets_digest=self.secrets_digest)

    def base_of(self, image: Digest) -> Digest | None:
        """Return the release of an image's base, None if it is the host."""
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
    def signature_verifier(self) -> SignatureVerifier:
        """Decides which releases this node may launch."""
        return SignatureVerifier(
            read_ring=self.signing_keys.ring,
            read_signatures=partial(signatures, self.stores),
            scheme=Ed25519(),
        )

    def live(self) -> LivePolicy | None:
        """Return the live policy, None if none was applied yet."""
        return self.policies.live(self.pointers.all())

    def releases(self) -> tuple[Digest, ...]:
        """Return every release that is in the regions."""
        return releases(self.stores)

    def subject_of(self, release: Digest) -> Subject:
        """Return what a release, which is in the regions, was last made as."""
        return provenances(self.stores, release)[-1].subject

    def _store_url(self, name: str) -> str:
        return self._redis(name, is_durable=False).url

    def _redis(self, name: str, *, is_durable: bool) -> RedisStore:
        host, _, port = self.paths.stores[name].rpartition(":")
        return RedisStore(
            directory=self.paths.store(name),
            host=host,
            port=int(port),
            password=self.secrets.read(f"store-{name}"),
            is_durable=is_durable,
        )

    def _acks(self, catalog: Catalog, role: Role) -> AckWriter:
        return AckWriter(catalog, self.clock, Place(role=role, node=self.paths.node))
