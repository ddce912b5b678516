"""One campaign on this node: its releases and their manifests, its policies, secrets and supervised programs."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial

from handshake.campaign.live_policy import LivePolicy, PolicyReader
from handshake.compose.live_data import LiveDataParts, compose_live_data
from handshake.core.clock import Clock
from handshake.core.digest import Digest, parse_digest
from handshake.core.errors import RefusedError
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
from handshake.release.manifest import Manifest
from handshake.release.node_paths import NodePaths
from handshake.release.signing import SignatureVerifier, SigningKeys
from handshake.release.store import load_manifest, provenances, releases, signatures


@dataclass(frozen=True, kw_only=True)
class CampaignParts:
    """The parts that every process of a campaign needs."""

    paths: NodePaths
    clock: Clock
    live_data: LiveDataParts

    # Releases.

    @cached_property
    def manifest_of(self) -> Callable[[Digest], Manifest]:
        """Returns a release's manifest; the last 512 are remembered."""
        return lru_cache(maxsize=512)(partial(load_manifest, self.live_data.stores))

    def base_of(self, image: Digest) -> Digest | None:
        """Return the release of an image's base, None if it is the host."""
        base = self.manifest_of(image).base
        return None if base == HOST_BASE else parse_digest(base)

    def contract_of(self, image: Digest) -> Contract:
        """Return an image's contract."""
        return parse_contract(self.manifest_of(image).contract)

    def releases(self) -> tuple[Digest, ...]:
        """Return every release that is in the regions."""
        return releases(self.live_data.stores)

    def subject_of(self, release: Digest) -> Subject:
        """Return what a release, which is in the regions, was last made as."""
        return provenances(self.live_data.stores, release)[-1].subject

    @property
    def signing_keys(self) -> SigningKeys:
        """The keys that may have signed releases."""
        return SigningKeys(self.live_data.catalog, self.clock)

    @property
    def signature_verifier(self) -> SignatureVerifier:
        """Decides which releases this node may launch."""
        return SignatureVerifier(
            read_ring=self.signing_keys.ring,
            read_signatures=partial(signatures, self.live_data.stores),
            scheme=Ed25519(),
        )

    # Policies and targets.

    @cached_property
    def policies(self) -> PolicyReader:
        """Policies, read from their releases."""
        return PolicyReader(self.paths.name, self.live_data.fetch)

    def live(self) -> LivePolicy | None:
        """Return the live policy, None if none was applied yet."""
        return self.policies.live(self.live_data.pointers.all())

    def require_live(self) -> LivePolicy:
        """Return the live policy; raise RefusedError if none was applied yet."""
        live = self.live()
        if live is None:
            raise RefusedError("no policy was applied yet", hint="`handshake up FOLDER` applies it.")
        return live

    @property
    def targets(self) -> GenerationReader:
        """Reads which generation the pointers require of each service."""
        return GenerationReader(contract_of=self.contract_of, secrets_digest=self._secrets_digest)

    # This node: its places, programs, stores and regions.

    def acks_of(self, role: Role) -> AckWriter:
        """Return the writer of the acks of one of this node's places."""
        return AckWriter(self.live_data.catalog, self.clock, Place(role=role, node=self.paths.node))

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

    def make_regions(self) -> None:
        """Make the folder of every region that is a directory, at the first start."""
        for name in self.paths.regions.keys() - self.paths.buckets.keys():
            make_region(self.paths.region(name), name)

    def store(self, name: str, *, is_durable: bool) -> RedisStore:
        """Return a store of this campaign, with its password."""
        host, _, port = self.paths.stores[name].rpartition(":")
        return RedisStore(
            directory=self.paths.store(name),
            host=host,
            port=int(port),
            password=self.live_data.secrets.read(f"store-{name}"),
            is_durable=is_durable,
        )

    def store_url(self, name: str) -> str:
        """Return a store's address with its password."""
        return self.store(name, is_durable=False).url

    def secrets_of(self, stores: Sequence[str]) -> Mapping[str, str]:
        """Return the secrets of an instance that needs these stores: each store's address with its password."""
        return {name: self.store_url(name) for name in stores}

    def _secrets_digest(self, stores: tuple[str, ...]) -> str:
        """Return the keyed digest of the secrets of an instance that needs these stores."""
        return self.live_data.secrets.digest(self.secrets_of(stores).values()) if stores else ""


def compose_campaign(paths: NodePaths, clock: Clock) -> CampaignParts:
    """Return the parts of the campaign that a node belongs to."""
    return CampaignParts(paths=paths, clock=clock, live_data=compose_live_data(paths, clock))
