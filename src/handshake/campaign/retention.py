"""Retention: which releases are kept, which objects they need, and the collection of everything else."""

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
    """How long what is no longer live is kept."""

    days: int = 30
    """After the site or service has moved on, or after it was made."""
    newest: int = 5
    """Releases of each subject that are kept however old they are."""

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
    """Return the releases to keep, each with the reason; the first reason that holds is told.

    `histories` are every subject's pointers, newest first; `made_at` is when each release was last made;
    `spans` are the seconds of the subjects that have their own, of which the longer one counts.
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
    yield live.release, f"{subject} is at it"
    if live.stable:
        yield live.stable, f"{subject} goes back to it"
    if live.before:
        yield live.before, f"{subject} shows it where no region has the live one"
    last = list(dict.fromkeys(pointer.release for pointer in history))[:newest]
    yield from ((release, f"one of the last {newest} of {subject}") for release in last)
    for newer, older in pairwise(history):
        if newer.moved_at > since:
            yield older.release, f"{subject} has left it a short while ago"


# Which objects of a region the kept releases need.

ROOTS = ("blobs/", "releases/", "sites/")
"""Where releases lie; what else a region holds is nobody's business here."""
_ASSETS = "assets"
_VARIANTS = tuple(encoding.folder for encoding in Encoding)


@dataclass(frozen=True, kw_only=True)
class References:
    """Everything that the kept releases are made of."""

    releases: frozenset[str]
    """As digits, as they stand in keys."""
    blobs: frozenset[str]
    paths: frozenset[str]
    """Of files of kept sites. An asset of another site under such a path is kept too: rather one too many."""

    def needs(self, key: str) -> bool:
        """Tell whether an object is needed; what is laid out as nothing of ours is."""
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
    """Return the objects that nothing needs, manifests first: a release without one is none."""
    unneeded = [key for key in keys if not references.needs(key)]
    return tuple(sorted(unneeded, key=lambda key: (not key.endswith("/manifest.json"), key)))


def _identity(path: str) -> str:
    """Return the path of the file of which this is a compressed variant, or itself."""
    for folder in _VARIANTS:
        if path.startswith(folder):
            return path.removeprefix(folder)
    return path


# Collection: objects that no kept release needs are taken out of the regions, after a look at what would go.

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
