"""A node with a real edge whose sites' pointers lie in a catalogue: what the agent does for its cache, turn by turn."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path

from handshake.campaign.live_policy import LivePolicy
from handshake.campaign.policy import read_policy
from handshake.campaign.settings import CampaignSiteSettings
from handshake.catalog.catalog import Catalog
from handshake.config.reader import parse_settings
from handshake.core.clock import SystemClock
from handshake.core.digest import Digest, digest_bytes, digits
from handshake.core.outcome import Outcome
from handshake.core.subject import Kind, Subject
from handshake.drivers.varnish.cache import VarnishCache
from handshake.drivers.varnish.program import VarnishProgram
from handshake.edge.cache.compile.target import CacheTarget, RegionSocket
from handshake.edge.cache.reconcile import CacheReconciler, StartableCache
from handshake.edge.policy.policy import build_policy
from handshake.edge.policy.settings import EdgeSettings
from handshake.pointers.acks import AckWriter, Place, Role
from handshake.pointers.pointer import Move, Pointer
from handshake.pointers.pointers import Pointers
from handshake.release.manifest import Manifest, ManifestFile, SiteContract, print_manifest
from handshake.site.contract import print_contract
from handshake.site.traffic import SiteTraffics
from tests.live.edges import ACCOUNTS, Edge, run_edge
from tests.live.faulty_regions import FaultyRegion
from tests.support.catalog import MemoryCatalog

CAMPAIGN = Path(__file__).parents[2] / "examples" / "campaign"
NODE = "n1"


class StartedCache(VarnishCache):
    """The edge's Varnish, which runs already."""

    def ensure(self) -> bool:
        """Find that it runs."""
        return False


@dataclass(kw_only=True)
class SiteNode:
    """One node."""

    edge: Edge
    regions: tuple[FaultyRegion, FaultyRegion]
    catalog: Catalog
    pointers: Pointers
    traffics: SiteTraffics
    cache: CacheReconciler
    live: LivePolicy
    manifests: dict[Digest, Manifest] = field(default_factory=dict)

    def publish(self, site: str, files: Mapping[str, str], contract: SiteContract) -> Digest:
        """Lay a release out in every region; return its name."""
        described = tuple(
            ManifestFile(path=path, digest=digest_bytes(text.encode()), size=len(text))
            for path, text in sorted(files.items())
        )
        manifest = Manifest(kind=Kind.SITE, files=described, contract=print_contract(contract))
        release = digest_bytes(site.encode() + print_manifest(manifest))
        self.manifests[release] = manifest
        for region in self.regions:
            region.publish(site, digits(release), files, contract)
        return release

    def move(self, site: str, release: Digest, *, is_urgent: bool = False) -> Pointer:
        """Move a site's pointer, and nothing else."""
        subject = Subject(kind=Kind.SITE, name=site)
        today = self.pointers.get(subject)
        wish = Move(
            subject=subject,
            release=release,
            from_revision=today.revision if today else 0,
            moved_by="ada",
            reason="tried",
            is_urgent=is_urgent,
        )
        return self.pointers.move([wish])[0]

    def settle(self, site: str, release: Digest) -> None:
        """Move a site's pointer, let the cache follow, and settle it as the leader does."""
        moved = self.move(site, release)
        self.turn()
        self.pointers.settle(moved)
        self.turn()

    def turn(self) -> Outcome:
        """Let the reconciler act once."""
        return self.cache.cycle(self.live, self.pointers.all(), (), self.traffics.read())


@contextmanager
def run_site_node(
    mounts: Mapping[str, str], *, edge_toml: str = "", catalog: Catalog | None = None
) -> Iterator[SiteNode]:
    """Run a node with these sites until the block ends."""
    live = _live(mounts, edge_toml)
    known: dict[Digest, Manifest] = {}
    catalog = catalog or MemoryCatalog()
    regions = FaultyRegion(), FaultyRegion()
    with run_edge(live.policy.edge, (), "", regions=regions) as edge:
        yield SiteNode(
            edge=edge,
            regions=regions,
            catalog=catalog,
            pointers=Pointers(catalog, SystemClock()),
            traffics=SiteTraffics(catalog, SystemClock()),
            cache=build_reconciler(catalog, started_cache(edge.folder), edge.folder, known),
            live=live,
            manifests=known,
        )


def started_cache(folder: Path) -> StartedCache:
    """Return the driver of the Varnish that an edge runs in a folder."""
    program = VarnishProgram(
        directory=folder / "cache", socket=folder / "cache.sock", ingress_user=ACCOUNTS.ingress
    )
    return StartedCache(program, SystemClock())


def build_reconciler(
    catalog: Catalog, cache: StartableCache, folder: Path, manifests: Mapping[Digest, Manifest]
) -> CacheReconciler:
    """Return what keeps a cache where the pointers are, as the agent has it."""
    return CacheReconciler(
        cache=cache,
        acks=AckWriter(catalog, SystemClock(), Place(role=Role.CACHE, node=NODE)),
        target=CacheTarget(
            gateway_socket=str(folder / "gateway.sock"),
            regions=tuple(RegionSocket(name=name, socket=str(folder / f"{name}.sock")) for name in "ab"),
        ),
        manifest_of=lambda release: manifests[release],
    )


def _live(mounts: Mapping[str, str], edge_toml: str) -> LivePolicy:
    """Return the example's policy with these sites."""
    policy = read_policy(CAMPAIGN)
    sites = {name: CampaignSiteSettings(source=name, mount=mount) for name, mount in mounts.items()}
    edge = build_policy(parse_settings(EdgeSettings, edge_toml, shown_as="edge.toml"))
    pointer = Pointer(
        subject=Subject(kind=Kind.POLICY, name="campaign"),
        release=digest_bytes(b"policy"),
        revision=1,
        stable=digest_bytes(b"policy"),
        moved_by="ada",
        reason="tried",
        moved_at=0.0,
    )
    campaign = policy.campaign.model_copy(update={"sites": sites})
    return LivePolicy(policy=replace(policy, campaign=campaign, edge=edge), pointer=pointer)
