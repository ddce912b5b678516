"""Placement: the node on which a new instance starts."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Sequence
from functools import cached_property

from handshake.fleet.instance import Assignment, Generation, InstancePhase


class Placement:
    """Spreads a service's instances of one generation over the nodes that answer.

    Among nodes with equally many, it takes the one that runs the fewest instances in all. Other generations are
    not counted: they are being replaced, and should not influence where their successors go.
    """

    def __init__(self, nodes: Sequence[str], *, service: str, assignments: Iterable[Assignment]) -> None:
        """`assignments` are those of every service."""
        self._nodes = tuple(nodes)
        self._service = service
        self._assignments = assignments

    # Counted at the first choice: most plans of most services launch nothing.

    @cached_property
    def _staying(self) -> list[Assignment]:
        return [known for known in self._assignments if known.phase is not InstancePhase.DRAIN]

    @cached_property
    def _all(self) -> Counter[str]:
        return Counter(known.node for known in self._staying)

    @cached_property
    def _own(self) -> Counter[tuple[str, Generation]]:
        own = (known for known in self._staying if known.service == self._service)
        return Counter((known.node, known.generation) for known in own)

    def choose(self, generation: Generation) -> str:
        """Return the node of the next new instance, and count it there; empty if no node answers."""
        if not self._nodes:
            return ""
        node = min(self._nodes, key=lambda name: (self._own[name, generation], self._all[name]))
        self._own[node, generation] += 1
        self._all[node] += 1
        return node
