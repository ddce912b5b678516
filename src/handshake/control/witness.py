"""What the access log says of lists and decoys, by the live policy."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from dataclasses import dataclass

from handshake.control.access_log import AccessLog
from handshake.control.live import LivePolicy
from handshake.core.clock import Clock
from handshake.edge.lists.kind import ListKind
from handshake.edge.lists.matcher import Matcher
from handshake.edge.lists.shape import ListShape
from handshake.edge.log.decoys import DecoyReport, account_decoys
from handshake.edge.log.hits import count_agents, count_clients, count_hits
from handshake.edge.log.preview import Preview, preview_agents, preview_clients
from handshake.edge.log.rules import find_decoy_rules, find_list_rules

_NAMED = 5


@dataclass(frozen=True, kw_only=True)
class Witness:
    """Reads this node's access log. Nothing is counted while a request waits."""

    log: AccessLog
    clock: Clock
    live: LivePolicy

    def preview(self, shape: ListShape, entries: Collection[str], seconds: float) -> Preview:
        """Return whom entries would have met in the last seconds; whoever is protected would not."""
        decoys = find_decoy_rules(self.live.policy.edge)
        if shape.kind is ListKind.TEXT:
            spared = frozenset(shape.protected_texts)
            return preview_agents(
                self._lines(seconds), lambda agent: agent in entries and agent not in spared, decoys
            )
        meets = Matcher(entries)
        spares = Matcher([str(network) for network in shape.protected])
        return preview_clients(
            self._lines(seconds),
            lambda client: meets.find(client) is not None and spares.find(client) is None,
            decoys,
        )

    def hits(self, shape: ListShape, entries: Collection[str], seconds: float) -> Counter[str]:
        """Return how many requests each entry has met in the last seconds."""
        rules = find_list_rules(self.live.policy.edge, shape.name)
        if shape.kind is ListKind.TEXT:
            return count_hits(
                count_agents(self._lines(seconds), rules), lambda agent: agent if agent in entries else None
            )
        return count_hits(count_clients(self._lines(seconds), rules), Matcher(entries).find)

    def decoys(self, seconds: float) -> DecoyReport:
        """Return who got decoys in the last seconds."""
        return account_decoys(self._lines(seconds), find_decoy_rules(self.live.policy.edge))

    def alarm(self) -> str:
        """Return what an operator should know of decoys at a glance; empty where all is well."""
        rules = find_decoy_rules(self.live.policy.edge)
        suspects = account_decoys(self.log.latest(), rules).suspects if rules else ()
        if not suspects:
            return ""
        named = ", ".join(each.client for each in suspects[:_NAMED])
        return f"decoys went to clients who had really given before: {named}: handshake edge decoys"

    def _lines(self, seconds: float) -> Iterable[bytes]:
        return self.log.lines(self.clock.now() - seconds)
