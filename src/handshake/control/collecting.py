"""Collection: objects that no kept release needs are taken out of the regions, after a look at what would go."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from handshake.catalog.catalog import Catalog
from handshake.control.journal import journal_write
from handshake.control.pointers import Pointers
from handshake.control.references import ROOTS, References, collect_references, find_unneeded
from handshake.control.retention import Retention, retain
from handshake.control.shelf import load_manifest, provenances, releases
from handshake.control.site_traffic import SiteTraffics
from handshake.control.uploading import Uploads
from handshake.core.clock import Clock
from handshake.core.digest import Digest, parse_digest
from handshake.core.errors import RefusedError
from handshake.core.manifest import Manifest
from handshake.core.objects import ObjectStore
from handshake.core.pointer import Pointer
from handshake.core.release import Kind
from handshake.core.upload import everywhere
from handshake.site.contract import parse_contract

_HARMLESS = 256
"""So many objects may always go."""
_LARGEST_SHARE = 0.25
_BATCH = 1000


@dataclass(frozen=True, kw_only=True)
class Collectable:
    """What would go from one region."""

    region: str
    objects: int
    """In all, of releases."""
    keys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CollectionPlan:
    """What stays and what would go."""

    kept: Mapping[Digest, str]
    """Each with the reason."""
    going: tuple[Digest, ...]
    regions: tuple[Collectable, ...]

    @property
    def count(self) -> int:
        """How many objects would go."""
        return sum(len(region.keys) for region in self.regions)

    @property
    def is_much(self) -> bool:
        """Whether so much would go from a region that somebody should look twice."""
        return any(
            len(region.keys) > max(_HARMLESS, region.objects * _LARGEST_SHARE) for region in self.regions
        )


@dataclass(frozen=True, kw_only=True)
class Collector:
    """Somebody who may collect."""

    who: str
    catalog: Catalog
    clock: Clock
    pointers: Pointers
    stores: Sequence[ObjectStore]

    def plan(self, retention: Retention) -> CollectionPlan:
        """Return what would go, and why the rest stays. Nothing is changed."""
        known = releases(self.stores)
        made_at = {release: self._made_at(release) for release in known}
        histories = {subject: self.pointers.history(subject) for subject in self.pointers.all()}
        spans = {subject: self._span(history[0]) for subject, history in histories.items() if history}
        kept = self._shown() | retain(histories, made_at, retention, self.clock.now(), spans=spans)
        manifests = self._manifests(set(kept) & set(known))
        kept = dict(kept) | {release: "an image stands on it" for release in manifests if release not in kept}
        references = collect_references(manifests)
        return CollectionPlan(
            kept=kept,
            going=tuple(release for release in known if release not in kept),
            regions=tuple(_survey(store, references) for store in self.stores),
        )

    def collect(
        self, retention: Retention, tell: Callable[[int, int], None], *, forced: str = ""
    ) -> CollectionPlan:
        """Take out what nothing needs, and return what it was.

        RefusedError while somebody publishes, and where more than a quarter of a region would go, unless
        `forced` says why.
        """
        with Uploads(catalog=self.catalog).collecting(self.who):
            plan = self.plan(retention)
            if plan.is_much and not forced:
                raise RefusedError(
                    f"{plan.count:,} objects would go, more than a quarter of a region",
                    hint="Look at the plan; --force REASON takes them out all the same.",
                )
            self._delete(plan, tell)
            why = f"; forced: {forced}" if forced else ""
            what = f"collected {plan.count} objects of {len(plan.going)} releases{why}"
            self.catalog.transact([journal_write(self.who, what, self.clock.now())])
        return plan

    def _delete(self, plan: CollectionPlan, tell: Callable[[int, int], None]) -> None:
        keys = {region.region: region.keys for region in plan.regions}
        done: dict[str, int] = {}

        def empty(store: ObjectStore) -> None:
            mine = keys[store.region]
            for first in range(0, len(mine), _BATCH):
                store.delete(mine[first : first + _BATCH])
                done[store.region] = min(first + _BATCH, len(mine))
                tell(sum(done.values()), plan.count)

        everywhere(self.stores, empty)

    def _shown(self) -> dict[Digest, str]:
        """Return the releases that some visitors see beside the live ones."""
        traffic = SiteTraffics(self.catalog, self.clock).read()
        previews = {each.release: f"preview {each.label} shows it" for each in traffic.previews}
        return previews | {
            each.other: f"a part of site/{each.site}'s visitors see it" for each in traffic.splits
        }

    def _span(self, live: Pointer) -> float:
        """Return how long a site wants its releases to be kept; other kinds have no wish."""
        if live.subject.kind is not Kind.SITE:
            return 0.0
        return float(parse_contract(load_manifest(self.stores, live.release).contract).retention_seconds)

    def _made_at(self, release: Digest) -> float:
        """Return when a release was last made; one of which nobody knows counts as made just now."""
        known = [provenance.made_at for provenance in provenances(self.stores, release)]
        return max(known, default=self.clock.now())

    def _manifests(self, kept: set[Digest]) -> dict[Digest, Manifest]:
        """Return the manifests of these releases and of the bases that they stand on."""
        manifests: dict[Digest, Manifest] = {}
        waiting = sorted(kept)
        while waiting:
            release = waiting.pop()
            manifests[release] = manifest = load_manifest(self.stores, release)
            if manifest.kind is Kind.IMAGE and manifest.base.startswith("sha256:"):
                base = parse_digest(manifest.base)
                waiting += [base] if base not in manifests else []
        return manifests


def _survey(store: ObjectStore, references: References) -> Collectable:
    keys = [key for root in ROOTS for key in store.keys(root)]
    return Collectable(region=store.region, objects=len(keys), keys=find_unneeded(keys, references))
