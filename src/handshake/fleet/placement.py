"""Placement: on which node a new instance starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence

from handshake.core.instance import Assignment, Generation, Phase


class Placement:
    """Spreads a service's instances of one generation over the nodes that answer.

    Of equally free nodes it takes the one that runs least altogether. Those of other generations are not
    counted: they are on their way out, and where they were must not decide where their successors are.
    """

    def __init__(self, nodes: Sequence[str], *, service: str, assignments: Iterable[Assignment]) -> None:
        """`assignments` are those of every service."""
        self._nodes = tuple(nodes)
        staying = [known for known in assignments if known.phase is not Phase.DRAIN]
        self._all = Counter(known.node for known in staying)
        self._own = Counter((known.node, known.generation) for known in staying if known.service == service)

    def choose(self, generation: Generation) -> str:
        """Return the node of the next new instance, and count it there; empty where no node answers."""
        if not self._nodes:
            return ""
        node = min(self._nodes, key=lambda name: (self._own[name, generation], self._all[name]))
        self._own[node, generation] += 1
        self._all[node] += 1
        return node
