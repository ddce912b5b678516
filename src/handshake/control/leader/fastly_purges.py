"""Orders to forget pages, carried out at Fastly: behind the house's own caches, which would give it the old page again."""

from __future__ import annotations

from handshake.catalog.catalog import Catalog
from handshake.catalog.keys import PURGES as ORDERS
from handshake.control.acks import FASTLY, PURGES, AckWriter, acks_of, concerned_places, read_acks
from handshake.control.live import LivePolicy
from handshake.control.nodes import read_nodes
from handshake.control.purges import PurgeOrder, decode_purges
from handshake.core.ack import Ack, is_served
from handshake.core.clock import Clock
from handshake.edge.fastly.purging import tags_of
from handshake.edge.fastly.service import FastlyService

_CACHES_SECONDS = 10.0
"""How long the house's own caches are waited for: one whose node is gone keeps no page at Fastly."""


class FastlyPurges:
    """Fastly's orders. What a dead leader may not have done is done by the next one: it reads the ack."""

    def __init__(self, *, catalog: Catalog, clock: Clock, acks: AckWriter) -> None:
        self._catalog = catalog
        self._clock = clock
        self._acks = acks
        self._done = 0

    def follow(self, service: FastlyService, live: LivePolicy) -> tuple[str, ...]:
        """Carry out what is due, all orders of a kind at once, and return what was done, none where nothing was."""
        due = self._find_due(live)
        if not due:
            return ()
        tags = 0
        for is_soft in (False, True):
            wanted = [tag for order in due if order.purge.is_soft is is_soft for tag in tags_of(order.purge)]
            if wanted:
                service.purge(list(dict.fromkeys(wanted)), is_soft=is_soft)
            tags += len(wanted)
        self._done = due[-1].revision
        # Fastly answers with a number for each tag; nobody can ask its machines what they have forgotten.
        self._acks.serve(PURGES, self._done, f"vendor_accepted: Fastly purges {tags} tags and pages")
        return (f"purged {tags} tags and pages",)

    def _find_due(self, live: LivePolicy) -> list[PurgeOrder]:
        entry = self._catalog.get(ORDERS)
        orders = [its for its in decode_purges([entry] if entry else []) if its.revision > self._done]
        if not orders:
            return []
        acks = acks_of(PURGES, read_acks(self._catalog))
        self._done = max((ack.revision for ack in acks if ack.place == str(FASTLY)), default=self._done)
        return [its for its in orders if its.revision > self._done and self._is_due(its, acks, live)]

    def _is_due(self, order: PurgeOrder, acks: tuple[Ack, ...], live: LivePolicy) -> bool:
        caches = concerned_places(PURGES, read_nodes(self._catalog, live.policy.campaign.nodes).named)
        is_late = self._clock.now() - order.at > _CACHES_SECONDS
        return is_late or is_served(order.revision, acks, caches)
