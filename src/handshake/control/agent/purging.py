"""Carries out orders to forget pages, each once, and acknowledges them."""

from __future__ import annotations

from handshake.control.acks import PURGES, AckWriter
from handshake.control.purges import PurgeOrder
from handshake.edge.cache import Cache


class PurgeFollower:
    """One cache's orders. A new one begins with the oldest that is kept: nobody knows which its predecessor did."""

    def __init__(self, cache: Cache, acks: AckWriter) -> None:
        self._cache = cache
        self._acks = acks
        self._done = 0

    def follow(self, orders: tuple[PurgeOrder, ...]) -> int:
        """Carry out what is new; return how many orders that were."""
        new = [order for order in orders if order.revision > self._done]
        for order in new:
            forgotten = self._cache.forget(order.purge)
            self._done = order.revision
            self._acks.serve(PURGES, order.revision, f"the cache forgot {forgotten} pages")
        return len(new)
