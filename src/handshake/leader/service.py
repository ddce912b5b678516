"""The leader as a service: its loop, woken by every change of its inputs."""

from __future__ import annotations

from collections.abc import Callable

from handshake.catalog.catalog import Catalog
from handshake.catalog.feed import prefix_feed
from handshake.catalog.keys import (
    ACKS,
    ASSIGNMENTS,
    BUNDLES,
    HOLDS,
    INSTANCES,
    LISTS,
    POINTERS,
    PURGES,
    REMOVALS,
    SCALE,
    SWITCHES,
)
from handshake.catalog.loop import Loop
from handshake.core.outcome import Outcome

_TICK_SECONDS = 1.0
_FASTLY_TICK_SECONDS = 5.0
"""The leader expires these leases."""
_FASTLY_READS = (POINTERS, LISTS, SWITCHES, PURGES, ACKS)
"""Also acks: a purge at Fastly waits for those of the campaign's own caches."""


class LeaderService:
    """Runs the leader's cycle on every change of its inputs, and once a second."""

    def __init__(
        self,
        catalog: Catalog,
        cycle: Callable[[], Outcome],
        give_up: Callable[[], None],
        *,
        lead_fastly: Callable[[], Outcome],
    ) -> None:
        self._give_up = give_up
        self._fastly = Loop("fastly", lead_fastly, tick_seconds=_FASTLY_TICK_SECONDS)
        self._loop = Loop("leader", cycle, tick_seconds=_TICK_SECONDS)
        self._feeds = [
            prefix_feed(catalog, prefix, self._loop.wake)
            for prefix in (POINTERS, ACKS, INSTANCES, ASSIGNMENTS, SCALE, HOLDS, BUNDLES, REMOVALS)
        ]
        self._feeds += [prefix_feed(catalog, its, self._fastly.wake) for its in _FASTLY_READS]

    def start(self) -> None:
        """Start watching and leading."""
        for feed in self._feeds:
            feed.start()
        self._loop.start()
        self._fastly.start()

    def stop(self, wait_seconds: float) -> None:
        """Stop after the current cycle, and let another process lead at once."""
        self._fastly.stop(wait_seconds)
        self._loop.stop(wait_seconds)
        self._give_up()
