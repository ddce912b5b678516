"""The cache's reconciler: one VCL for the policy and all live sites, prepared first, then flipped in one step."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from handshake.control.acks import AckWriter
from handshake.control.agent.purging import PurgeFollower
from handshake.control.live import LivePolicy
from handshake.control.purges import PurgeOrder
from handshake.control.site_routes import route_release
from handshake.core.digest import Digest, digest_bytes, digits
from handshake.core.errors import RefusedError
from handshake.core.manifest import Manifest
from handshake.core.outcome import Outcome
from handshake.core.pointer import Pointer
from handshake.core.release import Kind, Subject
from handshake.edge.cache import Cache
from handshake.edge.vcl.compile import compile_cache
from handshake.edge.vcl.surroundings import CacheSurroundings, SiteRoute
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
        self._purges = PurgeFollower(cache, acks)

    def cycle(
        self, live: LivePolicy, pointers: Mapping[Subject, Pointer], purges: tuple[PurgeOrder, ...] = ()
    ) -> Outcome:
        """Prepare what the pointers ask for, flip to it, say what was read back; then forget what is outdated."""
        started = self._cache.ensure()
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
        text = print_vcl(compile_cache(live.policy.edge, self._surroundings, routes))
        return _Wanted(
            name=f"hs_{digits(digest_bytes(text.encode()))[:24]}",
            text=text,
            pointers=(live.pointer, *(pointer for pointer, _ in mounted)),
        )

    def _route(self, pointer: Pointer, mount: str) -> SiteRoute:
        try:
            live = route_release(pointer.release, self._manifest_of(pointer.release))
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
        )

    def _flip(self, wanted: _Wanted) -> None:
        try:
            self._cache.prepare(wanted.name, wanted.text)
        except RefusedError as error:
            for pointer in wanted.pointers:
                if pointer.stable != pointer.release:
                    reason = f"{error.what}: {error.details}"
                    self._acks.refuse(str(pointer.subject), pointer.revision, reason)
            raise
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
