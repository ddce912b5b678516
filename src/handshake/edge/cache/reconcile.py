"""The cache reconciler: one VCL for the policy and all live sites, loaded first, then activated in one step."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from handshake.core.digest import Digest, digest_bytes, digits
from handshake.core.errors import RefusedError, UnavailableError
from handshake.core.outcome import Outcome
from handshake.core.subject import Subject
from handshake.edge.cache.cache import Cache
from handshake.edge.cache.compile.site_releases import CopyRoute
from handshake.edge.cache.compile.target import CacheTarget, PreviewRoute, SiteRoute
from handshake.edge.cache.compile.vcl import compile_cache
from handshake.edge.cache.purge import PurgeFollower, PurgeOrder
from handshake.edge.cache.routing import Held, Shown, SiteRouting, mount_sites, split_held
from handshake.edge.cache.warm import CacheWarmer
from handshake.edge.live_policy import LiveEdgePolicy
from handshake.edge.policy.policy import EdgePolicy
from handshake.pointers.acks import SITE_TRAFFIC_SUBJECT, AckWriter
from handshake.pointers.pointer import Pointer
from handshake.release.manifest import Manifest
from handshake.site.copy.schedule import SUBJECT as COPY
from handshake.site.traffic import SiteTraffic
from handshake.syntax.vcl import print_vcl

# The VCLs of one cache: each is printed once from what it is made of, and named after its text.

_KEPT = 4
"""A rollback finds the program that was served before: it need not be printed, compiled or loaded."""


@dataclass(frozen=True, kw_only=True)
class CacheContent:
    """All that a VCL is made from, besides the node's sockets."""

    policy: EdgePolicy
    sites: tuple[SiteRoute, ...]
    previews: tuple[PreviewRoute, ...]
    copy: CopyRoute | None


@dataclass(frozen=True, kw_only=True)
class CacheProgram:
    """A VCL."""

    content: CacheContent
    name: str
    """Derived from the text, so that reading it back proves what is served."""
    text: str


class CachePrograms:
    """The last few VCLs of a cache, which stay loaded."""

    def __init__(self, target: CacheTarget) -> None:
        self._target = target
        self._kept: deque[CacheProgram] = deque(maxlen=_KEPT)

    @property
    def names(self) -> tuple[str, ...]:
        """What must stay loaded."""
        return tuple(program.name for program in self._kept)

    def make(self, content: CacheContent) -> CacheProgram:
        """Return the program of this content, which is from now on the youngest."""
        known = next((each for each in self._kept if each.content == content), None)
        program = known or self._print(content)
        if known:
            self._kept.remove(known)
        self._kept.append(program)
        return program

    def _print(self, content: CacheContent) -> CacheProgram:
        text = print_vcl(
            compile_cache(content.policy, self._target, content.sites, content.previews, content.copy)
        )
        return CacheProgram(content=content, name=f"hs_{digits(digest_bytes(text.encode()))[:24]}", text=text)


class StartableCache(Cache, Protocol):
    """A cache that is started when it does not run."""

    def ensure(self) -> bool:
        """Start the program unless it runs; True if it was started now."""
        ...


@dataclass(frozen=True, kw_only=True)
class _Wanted:
    program: CacheProgram
    pointers: tuple[Pointer, ...]
    """Everything that this VCL serves."""
    held: tuple[Held[SiteRoute] | Held[CopyRoute], ...]
    """The sites that stay unchanged, and the fallback copy if it has to."""
    traffic: SiteTraffic
    lacking: str
    """The previews and splits that it leaves out, and why."""

    @property
    def lost(self) -> tuple[Held[SiteRoute] | Held[CopyRoute], ...]:
        """What every place has served and this VCL lacks."""
        return tuple(its for its in self.held if its.pointer.stable and not its.meanwhile)

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
        target: CacheTarget,
        manifest_of: Callable[[Digest], Manifest],
    ) -> None:
        self._cache = cache
        self._acks = acks
        self._routing = SiteRouting(manifest_of)
        self._warmth = CacheWarmer(cache, manifest_of)
        self._programs = CachePrograms(target)
        self._purges = PurgeFollower(cache, acks)
        self._served: CacheContent | None = None
        """What the cache was last confirmed to serve; None until this agent has read it."""

    def cycle(
        self,
        live: LiveEdgePolicy,
        pointers: Mapping[Subject, Pointer],
        purges: tuple[PurgeOrder, ...] = (),
        traffic: SiteTraffic | None = None,
    ) -> Outcome:
        """Prepare what the pointers ask for, flip to it, say what was read back; then forget what is outdated.

        A site whose release is refused, or cannot be read now, goes on as it is; everything else moves.
        """
        started = self._cache.ensure()
        wanted = self._want(live, pointers, traffic or SiteTraffic())
        self._refuse_held(wanted)
        try:
            flipped = self._move(wanted)
        finally:
            purged = self._purges.follow(purges)
        return _describe(
            wanted, started=started, flipped=flipped, purged=purged, serving=self._cache.active()
        )

    def go_on_warming(self) -> Outcome:
        """Let the cache fetch some more of what it shows; in a thread of its own, so that no flip waits for it."""
        return self._warmth.go_on()

    def name_of(
        self, live: LiveEdgePolicy, pointers: Mapping[Subject, Pointer], traffic: SiteTraffic | None = None
    ) -> str:
        """Return the name of the VCL that the label should point to; raises what keeps a site from moving."""
        wanted = self._want(live, pointers, traffic or SiteTraffic())
        if wanted.held:
            raise wanted.held[0].error
        return wanted.program.name

    def running(self) -> str:
        """Return the name of the VCL that the label points to."""
        return self._cache.active()

    def _want(
        self, live: LiveEdgePolicy, pointers: Mapping[Subject, Pointer], traffic: SiteTraffic
    ) -> _Wanted:
        served, mounted = self._served, mount_sites(live, pointers)
        known = {its.name: its for its in served.sites} if served else {}
        sites, held = split_held(
            self._routing.try_site(its, traffic, known.get(its.pointer.subject.name)) for its in mounted
        )
        copy = [pointers[COPY]] if COPY in pointers and live.policy.campaign.fallback_copy.pages else []
        copies, held_copies = split_held(
            self._routing.try_copy(its, served.copy if served else None) for its in copy
        )
        content = CacheContent(
            policy=live.policy.edge,
            sites=sites,
            previews=self._routing.route_previews(live, traffic),
            copy=next(iter(copies), None),
        )
        staying = {its.pointer.subject for its in held} | {its.pointer.subject for its in held_copies}
        moving = (its for its in (*(each.pointer for each in mounted), *copy) if its.subject not in staying)
        return _Wanted(
            program=self._programs.make(content),
            pointers=(live.pointer, *moving),
            held=(*held, *held_copies),
            traffic=traffic,
            lacking=self._find_lacking(live, traffic, held),
        )

    def _find_lacking(
        self, live: LiveEdgePolicy, traffic: SiteTraffic, held: tuple[Held[SiteRoute], ...]
    ) -> str:
        unsplit = (
            f"split of {its.pointer.subject}: {its.error.what}"
            for its in held
            if traffic.split_of(its.pointer)
        )
        return "; ".join(filter(None, (self._routing.find_lacking(live, traffic), *unsplit)))

    def _refuse_held(self, wanted: _Wanted) -> None:
        for its in wanted.held:
            if isinstance(its.error, RefusedError):
                reason = f"{its.error.what}: {its.error.details}"
                self._acks.refuse(str(its.pointer.subject), its.pointer.revision, reason)

    def _move(self, wanted: _Wanted) -> bool:
        """Flip where the cache serves another program, and acknowledge; True if it was flipped.

        A new agent that cannot read what a running cache shows leaves all of it alone: a flip would take it away.
        """
        serving = self._cache.active()
        if serving and self._served is None and wanted.lost and serving != wanted.program.name:
            return False
        if needs_flip := serving != wanted.program.name:
            self._flip(wanted, is_serving=bool(serving))
        self._acknowledge(wanted)
        return needs_flip

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
            self._acks.refuse(SITE_TRAFFIC_SUBJECT, wanted.traffic.revision, reason)

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
        self._served = wanted.program.content
        for pointer in wanted.pointers:
            self._acks.serve(str(pointer.subject), pointer.revision, f"the label points to {name}")
        self._acknowledge_traffic(wanted)
        self._warmth.know(wanted.shown)
        self._cache.discard_others(*self._programs.names)

    def _acknowledge_traffic(self, wanted: _Wanted) -> None:
        revision, name = wanted.traffic.revision, wanted.program.name
        if revision and wanted.lacking:
            self._acks.refuse(SITE_TRAFFIC_SUBJECT, revision, wanted.lacking)
        elif revision:
            self._acks.serve(SITE_TRAFFIC_SUBJECT, revision, f"the label points to {name}")


def _describe(wanted: _Wanted, *, started: bool, flipped: bool, purged: int, serving: str) -> Outcome:
    parts = ["started"] if started else []
    parts += [f"flipped to {wanted.program.name}"] if flipped else []
    parts += [f"carried out {purged} purges"] if purged else []
    sentence = ", ".join(parts) or f"serves {serving}"
    if wanted.lost and serving != wanted.program.name:
        sentence += ", and is left unchanged until the release that it shows can be read"
    waits = any(isinstance(its.error, UnavailableError) for its in wanted.held)
    held = [f"{its.pointer.subject} stays unchanged: {its.error.what}" for its in wanted.held]
    return Outcome(sentence="; ".join([sentence, *held]), changed=bool(parts), is_waiting=waits)
