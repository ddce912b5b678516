"""What a policy says of each list, whatever it holds."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.edge.declarations import Declarations
from handshake.edge.door.maps import text_key
from handshake.edge.lists.kind import ListKind
from handshake.edge.network import Network, print_network


@dataclass(frozen=True, kw_only=True)
class ListShape:
    """One list of the policy."""

    name: str
    kind: ListKind
    seeds: tuple[str, ...]
    """What it holds until verbs say otherwise, in canonical form."""
    protected: tuple[Network, ...] = ()
    protected_texts: tuple[str, ...] = ()

    def map_key(self, entry: str) -> str:
        """Return an entry as the key of the door's map."""
        return text_key(entry) if self.kind is ListKind.TEXT else entry


def shape_lists(declared: Declarations) -> tuple[ListShape, ...]:
    """Return every list of a policy."""
    networks = (
        ListShape(
            name=its.name,
            kind=its.kind,
            seeds=tuple(print_network(network) for network in its.entries),
            protected=its.protected,
        )
        for its in declared.lists
    )
    texts = (
        ListShape(name=its.name, kind=ListKind.TEXT, seeds=its.entries, protected_texts=its.protected)
        for its in declared.text_lists
    )
    return (*networks, *texts)
