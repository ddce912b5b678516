"""The cache's reconciler: one VCL for the policy and all live sites, prepared first, then flipped in one step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from handshake.control.acks import SITE_TRAFFIC, AckWriter
from handshake.control.agent.cache_programs import CacheContent, CacheProgram, CachePrograms
from handshake.control.agent.purging import PurgeFollower
from handshake.control.agent.site_routing import Mounted, Shown, SiteRouting, mount_sites
from handshake.control.agent.warmth import Warmth
from handshake.control.copying.record import SUBJECT as COPY
from handshake.control.copying.route import route_copy
from handshake.control.live import LivePolicy
from handshake.control.purges import PurgeOrder
from handshake.control.site_traffic import SiteTraffic
from handshake.core.digest import Digest, digits
from handshake.core.errors import RefusedError
from handshake.core.manifest import Manifest
from handshake.core.outcome import Outcome
from handshake.core.pointer import Pointer
from handshake.core.release import Subject
from handshake.edge.cache import Cache
from handshake.edge.vcl.surroundings import CacheSurroundings, SiteRoute


class StartableCache(Cache, Protocol):
    """A cache that is started when it does not run."""

    def ensure(self) -> bool:
        """Start the program unless it runs; True where it was started now."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    program: CacheProgram
    pointers: tuple[Pointer, ...]
    """Everything that this VCL makes served."""
    traffic: SiteTraffic
    lacking: str
    """What of previews and splits it leaves out, and why."""

    @property
    def urgent(self) -> frozenset[str]:
        """The releases that somebody went back to, or forced."""
        return frozenset(digits(its.release) for its in self.pointers if its.is_urgent)

    @property
    def unsettled(self) -> frozenset[str]:
        """The releases of which not every place has said yet that it serves them."""
        return frozenset(digits(its.release) for its in self.pointers if its.stable != its.release)

    @property
    def shown(self) -> tuple[Shown, ...]:
        """Every release that it serves."""
        content = self.program.content
        beside = tuple((its.name, its.split.other) for its in content.sites if its.split)
        previewed = tuple((its.name, its.shown) for its in content.previews)
        lives = tuple((its.name, its.live) for its in content.sites)
        return tuple(Shown(site=site, route=route) for site, route in (*lives, *beside, *previewed))


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
        self._manifest_of = manifest_of
        self._routing = SiteRouting(manifest_of)
        self._warmth = Warmth(cache, manifest_of)
        self._programs = CachePrograms(surroundings)
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
        wanted = self._want(live, pointers, traffic or SiteTraffic())
        serving = self._cache.active()
        if needs_flip := serving != wanted.program.name:
            self._flip(wanted, is_serving=bool(serving))
        self._acknowledge(wanted)
        return _tell(wanted, started=started, flipped=needs_flip, purged=self._purges.follow(purges))

    def go_on_warming(self) -> Outcome:
        """Let the cache fetch some more of what it shows; in a thread of its own, so that no flip waits for it."""
        return self._warmth.go_on()

    def name_of(
        self, live: LivePolicy, pointers: Mapping[Subject, Pointer], traffic: SiteTraffic | None = None
    ) -> str:
        """Return the name of the VCL that the label should point to."""
        return self._want(live, pointers, traffic or SiteTraffic()).program.name

    def running(self) -> str:
        """Return the name of the VCL that the label points to."""
        return self._cache.active()

    def _want(self, live: LivePolicy, pointers: Mapping[Subject, Pointer], traffic: SiteTraffic) -> _Wanted:
        mounted = mount_sites(live, pointers)
        copy = pointers.get(COPY) if live.policy.campaign.fallback_copy.pages else None
        content = CacheContent(
            policy=live.policy.edge,
            sites=tuple(self._route(each, traffic) for each in mounted),
            previews=self._routing.route_previews(live, traffic),
            copy=route_copy(copy.release, self._manifest_of(copy.release)) if copy else None,
        )
        return _Wanted(
            program=self._programs.make(content),
            pointers=(live.pointer, *(each.pointer for each in mounted), *([copy] if copy else [])),
            traffic=traffic,
            lacking=self._routing.find_lacking(live, traffic),
        )

    def _route(self, mounted: Mounted, traffic: SiteTraffic) -> SiteRoute:
        pointer = mounted.pointer
        try:
            return self._routing.route_site(mounted, traffic)
        except RefusedError as error:
            self._acks.refuse(str(pointer.subject), pointer.revision, f"{error.what}: {error.details}")
            raise

    def _flip(self, wanted: _Wanted, *, is_serving: bool) -> None:
        try:
            self._cache.prepare(wanted.program.name, wanted.program.text)
        except RefusedError as error:
            self._refuse(wanted, f"{error.what}: {error.details}")
            raise
        if is_serving:
            self._warm(wanted)
        self._cache.flip(wanted.program.name)

    def _refuse(self, wanted: _Wanted, reason: str) -> None:
        for pointer in wanted.pointers:
            if pointer.stable != pointer.release:
                self._acks.refuse(str(pointer.subject), pointer.revision, reason)
        if wanted.traffic.revision:
            self._acks.refuse(SITE_TRAFFIC, wanted.traffic.revision, reason)

    def _warm(self, wanted: _Wanted) -> None:
        """Fetch what is new before anybody sees it; what is settled was shown here before."""
        settled = {its.live.release for its in wanted.program.content.sites} - wanted.unsettled
        news = [its for its in wanted.shown if its.route.release not in settled]
        documents = wanted.program.content.policy.warm_documents
        for is_urgent in (False, True):
            some = [its for its in news if (its.route.release in wanted.urgent) is is_urgent]
            self._warmth.begin(some, documents=documents, is_urgent=is_urgent)

    def _acknowledge(self, wanted: _Wanted) -> None:
        """Write acks only for what the running program says that it serves."""
        name = wanted.program.name
        if self._cache.active() != name:
            return
        for pointer in wanted.pointers:
            self._acks.serve(str(pointer.subject), pointer.revision, f"the label points to {name}")
        self._acknowledge_traffic(wanted)
        self._warmth.know(wanted.shown)
        self._cache.discard_others(*self._programs.names)

    def _acknowledge_traffic(self, wanted: _Wanted) -> None:
        revision, name = wanted.traffic.revision, wanted.program.name
        if revision and wanted.lacking:
            self._acks.refuse(SITE_TRAFFIC, revision, wanted.lacking)
        elif revision:
            self._acks.serve(SITE_TRAFFIC, revision, f"the label points to {name}")


def _tell(wanted: _Wanted, *, started: bool, flipped: bool, purged: int) -> Outcome:
    parts = ["started"] if started else []
    parts += [f"flipped to {wanted.program.name}"] if flipped else []
    parts += [f"carried out {purged} purges"] if purged else []
    return Outcome(sentence=", ".join(parts) or f"serves {wanted.program.name}", changed=bool(parts))
