"""Placement: on which node a new instance starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence


class Placement:
    """Spreads one service over the nodes that answer; of equally free nodes, the one that runs least altogether."""

    def __init__(self, nodes: Sequence[str], *, own: Sequence[str], all_services: Sequence[str]) -> None:
        """`own` and `all_services` hold the node of each instance, of this service and of every service."""
        self._nodes = tuple(nodes)
        self._own = Counter(own)
        self._all = Counter(all_services)

    def choose(self) -> str:
        """Return the node of the next new instance, and count it there; empty where no node answers."""
        if not self._nodes:
            return ""
        node = min(self._nodes, key=lambda name: (self._own[name], self._all[name], self._nodes.index(name)))
        self._own[node] += 1
        self._all[node] += 1
        return node
