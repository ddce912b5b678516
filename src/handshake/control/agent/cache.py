"""The cache's reconciler: one VCL for the policy and all live sites, prepared first, then flipped in one step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from handshake.control.acks import AckWriter
from handshake.control.agent.purging import PurgeFollower
from handshake.control.copying.record import SUBJECT as COPY
from handshake.control.copying.route import route_copy
from handshake.control.live import LivePolicy
from handshake.control.purges import PurgeOrder
from handshake.control.site_routes import list_documents, route_release
from handshake.control.site_traffic import SiteTraffic
from handshake.core.digest import Digest, digest_bytes, digits
from handshake.core.errors import RefusedError, UnavailableError
from handshake.core.manifest import Manifest
from handshake.core.outcome import Outcome
from handshake.core.pointer import Pointer
from handshake.core.release import Kind, Subject
from handshake.edge.cache import Cache
from handshake.edge.vcl.compile import compile_cache
from handshake.edge.vcl.surroundings import CacheSurroundings, PreviewRoute, ReleaseRoute, SiteRoute, Split
from handshake.edge.warming import plan_warming
from handshake.syntax.vcl import print_vcl


class StartableCache(Cache, Protocol):
    """A cache that is started when it does not run."""

    def ensure(self) -> bool:
        """Start the program unless it runs; True where it was started now."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    name: str
    """The VCL's name: made from its text, so that what is read back says what it serves."""
    text: str
    pointers: tuple[Pointer, ...]
    """Everything that this VCL makes served."""
    routes: tuple[SiteRoute, ...]


class CacheReconciler:
    """Moves this node's cache to where the policy and the sites' pointers are."""

    def __init__(
        self,
        *,
        cache: StartableCache,
        acks: AckWriter,
        surroundings: CacheSurroundings,
        manifest_of: Callable[[Digest], Manifest],
    ) -> None:
        self._cache = cache
        self._acks = acks
        self._surroundings = surroundings
        self._manifest_of = manifest_of
        self._known: dict[Digest, ReleaseRoute] = {}
        self._warmed: set[str] = set()
        self._traffic = SiteTraffic()
        self._purges = PurgeFollower(cache, acks)

    def cycle(
        self,
        live: LivePolicy,
        pointers: Mapping[Subject, Pointer],
        purges: tuple[PurgeOrder, ...] = (),
        traffic: SiteTraffic | None = None,
    ) -> Outcome:
        """Prepare what the pointers ask for, flip to it, say what was read back; then forget what is outdated."""
        started = self._cache.ensure()
        self._traffic = traffic or self._traffic
        wanted = self._compile(live, pointers)
        flipped = False
        if self._cache.active() != wanted.name:
            self._flip(wanted)
            flipped = True
        self._acknowledge(wanted)
        return _tell(wanted, started=started, flipped=flipped, purged=self._purges.follow(purges))

    def name_of(self, live: LivePolicy, pointers: Mapping[Subject, Pointer]) -> str:
        """Return the name of the VCL that the label should point to."""
        return self._compile(live, pointers).name

    def running(self) -> str:
        """Return the name of the VCL that the label points to."""
        return self._cache.active()

    def _compile(self, live: LivePolicy, pointers: Mapping[Subject, Pointer]) -> _Wanted:
        mounted = [
            (pointer, live.policy.campaign.sites[subject.name].mount)
            for subject, pointer in sorted(pointers.items())
            if subject.kind is Kind.SITE and subject.name in live.policy.campaign.sites
        ]
        routes = tuple(self._route(pointer, mount) for pointer, mount in mounted)
        copy = pointers.get(COPY) if live.policy.campaign.fallback_copy.pages else None
        copied = route_copy(copy.release, self._manifest_of(copy.release)) if copy else None
        text = print_vcl(
            compile_cache(live.policy.edge, self._surroundings, routes, self._previews(live), copied)
        )
        return _Wanted(
            name=f"hs_{digits(digest_bytes(text.encode()))[:24]}",
            text=text,
            pointers=(live.pointer, *(pointer for pointer, _ in mounted), *([copy] if copy else [])),
            routes=routes,
        )

    def _route(self, pointer: Pointer, mount: str) -> SiteRoute:
        try:
            live = self._route_release(pointer.release)
        except RefusedError as error:
            self._acks.refuse(str(pointer.subject), pointer.revision, f"{error.what}: {error.details}")
            raise
        # The release before is what a visitor sees where no region has this one.
        is_news = pointer.stable is not None and pointer.stable != pointer.release
        return SiteRoute(
            name=pointer.subject.name,
            mount=mount,
            live=live,
            previous_release=digits(pointer.stable) if is_news and pointer.stable else None,
            split=self._split(pointer),
        )

    def _previews(self, live: LivePolicy) -> tuple[PreviewRoute, ...]:
        sites = live.policy.campaign.sites
        return tuple(
            PreviewRoute(
                label=its.label,
                name=its.site,
                mount=sites[its.site].mount,
                shown=shown,
                credential=its.credential,
            )
            for its in self._traffic.previews
            if its.site in sites and (shown := self._find_release(its.release))
        )

    def _split(self, pointer: Pointer) -> Split | None:
        split = self._traffic.split_of(pointer)
        other = self._find_release(split.other) if split else None
        if split is None or other is None:
            return None
        return Split(other=other, share=split.share, seconds=int(split.until - split.made_at))

    def _find_release(self, release: Digest) -> ReleaseRoute | None:
        """Return a release that is shown beside the live ones, None where there is none: the others go on."""
        try:
            return self._route_release(release)
        except (RefusedError, UnavailableError):
            return None

    def _route_release(self, release: Digest) -> ReleaseRoute:
        if release not in self._known:
            self._known[release] = route_release(release, self._manifest_of(release))
        return self._known[release]

    def _warm(self, wanted: _Wanted) -> None:
        """Fetch the documents of what is new, so that nobody gets one half of a page from another release."""
        for route in wanted.routes:
            if route.previous_release and route.live.release not in self._warmed:
                documents = list_documents(self._manifest_of(Digest(f"sha256:{route.live.release}")))
                self._cache.warm(plan_warming(route, documents))
                self._warmed.add(route.live.release)

    def _flip(self, wanted: _Wanted) -> None:
        try:
            self._cache.prepare(wanted.name, wanted.text)
        except RefusedError as error:
            for pointer in wanted.pointers:
                if pointer.stable != pointer.release:
                    reason = f"{error.what}: {error.details}"
                    self._acks.refuse(str(pointer.subject), pointer.revision, reason)
            raise
        if self._cache.active():
            self._warm(wanted)
        self._cache.flip(wanted.name)

    def _acknowledge(self, wanted: _Wanted) -> None:
        """Write acks only for what the running program says that it serves."""
        if self._cache.active() != wanted.name:
            return
        for pointer in wanted.pointers:
            self._acks.serve(str(pointer.subject), pointer.revision, f"the label points to {wanted.name}")
        self._cache.discard_others(wanted.name)


def _tell(wanted: _Wanted, *, started: bool, flipped: bool, purged: int) -> Outcome:
    parts = ["started"] if started else []
    parts += [f"flipped to {wanted.name}"] if flipped else []
    parts += [f"carried out {purged} purges"] if purged else []
    return Outcome(sentence=", ".join(parts) or f"serves {wanted.name}", changed=bool(parts))
