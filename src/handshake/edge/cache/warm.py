"""Cache warming: some documents are fetched before a release is shown, the rest afterwards."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable, Mapping

from handshake.core.digest import Digest
from handshake.core.errors import UnavailableError
from handshake.core.outcome import Outcome
from handshake.edge.cache.cache import Cache
from handshake.edge.cache.compile.warming import plan_warming
from handshake.edge.cache.routing import Shown, list_documents
from handshake.release.manifest import Manifest

_FIRST_DOCUMENTS = 64
"""How long a flip waits, at most as long as the cache's driver allows."""
_AT_ONCE = 64


class CacheWarmer:
    """One cache's: each release is fetched ahead once. Two threads may use it: that of the flips, and one that goes on."""

    def __init__(self, cache: Cache, manifest_of: Callable[[Digest], Manifest]) -> None:
        self._cache = cache
        self._manifest_of = manifest_of
        self._known: set[str] = set()
        self._waiting: deque[Mapping[str, str]] = deque()

    def know(self, shown: Iterable[Shown]) -> None:
        """Take note of what this cache shows: should it come back, it is warm."""
        self._known.update(its.route.release for its in shown)

    def begin(self, news: Iterable[Shown], *, documents: int, is_urgent: bool) -> None:
        """Let the cache fetch the first documents of what is new, so that nobody gets half a page from another release.

        Who goes back does not wait: what the cache may have lost meanwhile follows.
        """
        first: list[Mapping[str, str]] = []
        for its in news:
            if its.route.release in self._known and not is_urgent:
                continue
            self._known.add(its.route.release)
            plans = plan_warming(its.site, its.route, self._documents(its.route.release))[:documents]
            ahead = 0 if is_urgent else _FIRST_DOCUMENTS
            first += [request for plan in plans[:ahead] for request in plan]
            self._waiting.extend(request for plan in plans[ahead:] for request in plan)
        if first and self._cache.warm(first) < len(first):
            # There was not time enough: what the cache has already costs next to nothing to ask for again.
            self._waiting.extendleft(reversed(first))

    def go_on(self) -> Outcome:
        """Let the cache fetch some more. Where nothing comes, the regions are ill, and what waits is given up."""
        some = [self._waiting.popleft() for _ in range(min(_AT_ONCE, len(self._waiting)))]
        if not some:
            return Outcome(sentence="nothing to prefetch", changed=False)
        if not self._cache.warm(some):
            self._waiting.clear()
            return Outcome(sentence="gave up prefetching: no answer", changed=True)
        return Outcome(sentence="prefetching", changed=False, is_waiting=bool(self._waiting))

    def _documents(self, release: str) -> tuple[str, ...]:
        """Return what there is to fetch; nothing where that cannot be read now, for no flip waits for it."""
        try:
            return list_documents(self._manifest_of(Digest(f"sha256:{release}")))
        except UnavailableError:
            return ()
