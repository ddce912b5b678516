"""Retention: which releases are kept, which objects they need, and the deletion of everything else."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise

from handshake.catalog.catalog import Catalog
from handshake.catalog.journal import journal_write
from handshake.core.clock import Clock
from handshake.core.digest import Digest, digits, parse_digest
from handshake.core.errors import RefusedError
from handshake.core.subject import Kind, Subject
from handshake.pointers.pointer import Pointer
from handshake.pointers.pointers import Pointers
from handshake.release.manifest import DAY_SECONDS, Encoding, Manifest
from handshake.release.objects import ObjectStore
from handshake.release.store import load_manifest, provenances, releases
from handshake.release.upload import everywhere
from handshake.release.upload_lock import Uploads
from handshake.site.contract import parse_contract
from handshake.site.traffic import SiteTraffics


@dataclass(frozen=True, kw_only=True)
class Retention:
    """How long releases that are no longer live are kept."""

    days: int = 30
    """Days since the site or service moved on, or since the release was made."""
    newest: int = 5
    """How many releases of each subject are kept regardless of age."""

    @property
    def seconds(self) -> float:
        """The time in seconds."""
        return float(self.days * DAY_SECONDS)


def retain(
    histories: Mapping[Subject, tuple[Pointer, ...]],
    made_at: Mapping[Digest, float],
    retention: Retention,
    now: float,
    *,
    spans: Mapping[Subject, float],
) -> dict[Digest, str]:
    """Return the releases to keep, each with the first reason that applies.

    `histories` are every subject's pointers, newest first; `made_at` is when each release was last made; `spans`
    are the retention seconds of subjects with their own; the longer one applies.
    """
    kept: dict[Digest, str] = {}
    for subject, history in histories.items():
        seconds = max(retention.seconds, spans.get(subject, 0.0))
        for release, why in _wanted(subject, history, retention.newest, now - seconds):
            kept.setdefault(release, why)
    for release, at in made_at.items():
        if now - at < retention.seconds:
            kept.setdefault(release, f"made less than {retention.days} days ago")
    return kept


def _wanted(
    subject: Subject, history: tuple[Pointer, ...], newest: int, since: float
) -> Iterable[tuple[Digest, str]]:
    if not history:
        return
    live = history[0]
    yield live.release, f"{subject} points to it"
    if live.stable:
        yield live.stable, f"it is the stable release of {subject}"
    if live.before:
        yield live.before, f"it is the fallback of {subject} if no region has the live release"
    last = list(dict.fromkeys(pointer.release for pointer in history))[:newest]
    yield from ((release, f"one of the last {newest} of {subject}") for release in last)
    for newer, older in pairwise(history):
        if newer.moved_at > since:
            yield older.release, f"{subject} moved on from it recently"


# The objects of a region that the kept releases need.

ROOTS = ("blobs/", "releases/", "sites/")
"""Where releases are stored; other objects of a region are ignored."""
_ASSETS = "assets"
_VARIANTS = tuple(encoding.folder for encoding in Encoding)


@dataclass(frozen=True, kw_only=True)
class References:
    """Everything that the kept releases are made of."""

    releases: frozenset[str]
    """As digits, as used in keys."""
    blobs: frozenset[str]
    paths: frozenset[str]
    """Of files of kept sites. Assets of other sites at such a path are kept too, to be safe."""

    def needs(self, key: str) -> bool:
        """Return whether an object is needed; objects that are not ours count as needed."""
        match key.split("/", 3):
            case ["blobs", _, blob]:
                return blob in self.blobs
            case ["releases", release, *_]:
                return release in self.releases
            case ["sites", _, folder, path] if folder == _ASSETS:
                return _identity(path) in self.paths
            case ["sites", _, release, _]:
                return release in self.releases
            case _:
                return True


def collect_references(kept: Mapping[Digest, Manifest]) -> References:
    """Return what the kept releases need."""
    sites = [manifest for manifest in kept.values() if manifest.kind is Kind.SITE]
    others = [manifest for manifest in kept.values() if manifest.kind is not Kind.SITE]
    return References(
        releases=frozenset(digits(release) for release in kept),
        blobs=frozenset(digits(file.digest) for manifest in others for file in manifest.files),
        paths=frozenset(file.path for manifest in sites for file in manifest.files),
    )


def find_unneeded(keys: Iterable[str], references: References) -> tuple[str, ...]:
    """Return the objects that nothing needs, manifests first: a release without its manifest does not exist."""
    unneeded = [key for key in keys if not references.needs(key)]
    return tuple(sorted(unneeded, key=lambda key: (not key.endswith("/manifest.json"), key)))


def _identity(path: str) -> str:
    """Return the path of the file of which this is a compressed variant, or the path itself."""
    for folder in _VARIANTS:
        if path.startswith(folder):
            return path.removeprefix(folder)
    return path


# Collection: deletes the objects that no kept release needs from the regions, after a look at the plan.

_HARMLESS = 256
"""This many objects may always be deleted."""
_LARGEST_SHARE = 0.25
_BATCH = 1000


@dataclass(frozen=True, kw_only=True)
class Collectable:
    """What would be deleted from one region."""

    region: str
    objects: int
    """The total number of the region's release objects."""
    keys: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class CollectionPlan:
    """What is kept and what would be deleted."""

    kept: Mapping[Digest, str]
    """Each with the reason."""
    going: tuple[Digest, ...]
    regions: tuple[Collectable, ...]

    @property
    def count(self) -> int:
        """How many objects would be deleted."""
        return sum(len(region.keys) for region in self.regions)

    @property
    def is_much(self) -> bool:
        """Whether so much of a region would be deleted that an operator must confirm it."""
        return any(
            len(region.keys) > max(_HARMLESS, region.objects * _LARGEST_SHARE) for region in self.regions
        )


@dataclass(frozen=True, kw_only=True)
class Collector:
    """Collects unneeded objects."""

    who: str
    catalog: Catalog
    clock: Clock
    pointers: Pointers
    stores: Sequence[ObjectStore]

    def plan(self, retention: Retention) -> CollectionPlan:
        """Return what would be deleted, and why the rest is kept. Changes nothing."""
        known = releases(self.stores)
        made_at = {release: self._made_at(release) for release in known}
        histories = {subject: self.pointers.history(subject) for subject in self.pointers.all()}
        spans = {subject: self._span(history[0]) for subject, history in histories.items() if history}
        kept = self._shown() | retain(histories, made_at, retention, self.clock.now(), spans=spans)
        manifests = self._manifests(set(kept) & set(known))
        kept = dict(kept) | {
            release: "it is the base of an image" for release in manifests if release not in kept
        }
        references = collect_references(manifests)
        return CollectionPlan(
            kept=kept,
            going=tuple(release for release in known if release not in kept),
            regions=tuple(_survey(store, references) for store in self.stores),
        )

    def collect(
        self, retention: Retention, tell: Callable[[int, int], None], *, forced: str = ""
    ) -> CollectionPlan:
        """Delete what nothing needs, and return it.

        RefusedError while a publish is running, and if more than a quarter of a region would be deleted, unless
        `forced` gives a reason.
        """
        with Uploads(catalog=self.catalog).collecting(self.who):
            plan = self.plan(retention)
            if plan.is_much and not forced:
                raise RefusedError(
                    f"{plan.count:,} objects would be deleted, more than a quarter of a region",
                    hint="Review the plan; `--force REASON` deletes them anyway.",
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
        """Return the releases that some visitors see besides the live ones."""
        traffic = SiteTraffics(self.catalog, self.clock).read()
        previews = {each.release: f"preview {each.label} shows it" for each in traffic.previews}
        return previews | {
            each.other: f"a part of site/{each.site}'s visitors see it" for each in traffic.splits
        }

    def _span(self, live: Pointer) -> float:
        """Return how long a site wants its releases to be kept; 0 for other kinds."""
        if live.subject.kind is not Kind.SITE:
            return 0.0
        return float(parse_contract(load_manifest(self.stores, live.release).contract).retention_seconds)

    def _made_at(self, release: Digest) -> float:
        """Return when a release was last made; if unknown, now."""
        known = [provenance.made_at for provenance in provenances(self.stores, release)]
        return max(known, default=self.clock.now())

    def _manifests(self, kept: set[Digest]) -> dict[Digest, Manifest]:
        """Return the manifests of these releases and of their bases."""
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
