"""A feed: a watched, decoded copy of everything under a prefix of the catalogue; keeps the last readable state."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterable
from typing import Generic, TypeVar

from handshake.catalog.catalog import Catalog
from handshake.catalog.entries import CatalogEntry, Endpoints, Snapshot
from handshake.core.errors import HandshakeError

View = TypeVar("View", Snapshot, Endpoints)

_WAIT_SECONDS = 60.0
_RETRY_SECONDS = 1.0


class Feed(Generic[View]):
    """Watches in its own thread and calls `wake` on every change."""

    def __init__(self, watch: Callable[[int], View], wake: Callable[[], None]) -> None:
        self._watch: Callable[[int], View] = watch
        self._wake = wake
        self._stopped = threading.Event()
        self._arrived = threading.Event()
        self._latest: View | None = None
        self.is_readable = False
        self._thread = threading.Thread(target=self._follow, daemon=True)

    def start(self) -> None:
        """Start watching."""
        self._thread.start()

    def stop(self) -> None:
        """Stop after the current wait; the thread never keeps the process alive."""
        self._stopped.set()

    def latest(self) -> View | None:
        """Return the last readable view, None before the first."""
        return self._latest

    def wait(self, seconds: float) -> bool:
        """Wait for the first view; False if none came."""
        return self._arrived.wait(seconds)

    def _follow(self) -> None:
        index = 0
        while not self._stopped.is_set():
            try:
                view = self._watch(index)
            except HandshakeError:
                self.is_readable = False
                self._stopped.wait(_RETRY_SECONDS)
                index = 0
                continue
            self.is_readable = True
            is_news = view.index != index or not self._arrived.is_set()
            # A lower index means that the catalogue was restored: everything is read again.
            index = view.index if view.index >= index else 0
            if is_news:
                self._latest = view
                self._arrived.set()
                self._wake()


def prefix_feed(catalog: Catalog, prefix: str, wake: Callable[[], None]) -> Feed[Snapshot]:
    """Return a feed of everything under a prefix."""
    return Feed(lambda index: catalog.watch(prefix, index, _WAIT_SECONDS), wake)


def service_feed(catalog: Catalog, service: str, wake: Callable[[], None]) -> Feed[Endpoints]:
    """Return a feed of a service's endpoints."""
    return Feed(lambda index: catalog.endpoints(service, index, _WAIT_SECONDS), wake)


# A decoded snapshot of the catalogue, cached because loops ask for it many times a second.

Value = TypeVar("Value")


class Decoded(Generic[Value]):
    """The last snapshot's value, kept until the feed delivers another snapshot."""

    def __init__(self, decode: Callable[[Iterable[CatalogEntry]], Value]) -> None:
        self._decode = decode
        self._last: tuple[Snapshot, Value] | None = None

    def read(self, snapshot: Snapshot) -> Value:
        """Return the decoded snapshot; callers must not change it."""
        last = self._last
        if last is None or last[0] is not snapshot:
            last = self._last = (snapshot, self._decode(snapshot.entries))
        return last[1]
