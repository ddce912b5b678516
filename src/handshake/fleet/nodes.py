"""The nodes of the policy: which have joined, which answer, and which were removed by an operator."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import CatalogEntry, Delete, Write
from handshake.catalog.journal import journal_write
from handshake.catalog.keys import NODES, REMOVALS, removal_key
from handshake.core.clock import Clock
from handshake.core.errors import RefusedError
from handshake.fleet.instances.launch import Limiter

SKEW_SECONDS = 2.0
"""A larger clock offset is a problem."""


@dataclass(frozen=True, kw_only=True)
class NodeRecord:
    """What an agent reports about its node; a session holds the key while the agent lives."""

    name: str
    address: str
    is_home: bool
    """Whether the catalogue, the regions and the stores are on this node."""
    at: float
    """UTC, seconds since the epoch, by this node's clock."""
    ahead_seconds: float = 0.0
    """How far this node's clock is ahead of the home node's."""
    limited_by: Limiter = Limiter.UNKNOWN


@dataclass(frozen=True, kw_only=True)
class Removal:
    """An operator's decision that a node will not come back."""

    name: str
    who: str
    reason: str
    at: float


class NodeState(StrEnum):
    """The state of a node of the policy."""

    ANSWERS = "answers"
    SILENT = "silent"
    """Its agent does not renew its session: its state is unknown, so none of its instances are replaced."""
    ABSENT = "has not joined"
    REMOVED = "removed"


@dataclass(frozen=True, kw_only=True)
class Node:
    """One node of the policy."""

    name: str
    state: NodeState
    address: str = ""
    ahead_seconds: float = 0.0
    limited_by: Limiter = Limiter.UNKNOWN
    """What enforces the limits of its instances."""


@dataclass(frozen=True, kw_only=True)
class Nodes:
    """Every node of the policy, in its order."""

    all: tuple[Node, ...]

    @property
    def named(self) -> tuple[str, ...]:
        """The nodes that must acknowledge: from their first word on until they are removed."""
        return self._with(NodeState.ANSWERS, NodeState.SILENT)

    @property
    def answering(self) -> tuple[str, ...]:
        """The nodes that may get new instances."""
        return self._with(NodeState.ANSWERS)

    @property
    def silent(self) -> tuple[str, ...]:
        """The nodes about whose instances nobody knows anything now."""
        return self._with(NodeState.SILENT)

    @property
    def removed(self) -> tuple[str, ...]:
        """The nodes that an operator removed."""
        return self._with(NodeState.REMOVED)

    def _with(self, *states: NodeState) -> tuple[str, ...]:
        return tuple(node.name for node in self.all if node.state in states)


def read_nodes(catalog: Catalog, policy: Sequence[str]) -> Nodes:
    """Return the nodes that a policy names, as the catalogue knows them now."""
    removed = catalog.read(REMOVALS).entries
    return find_nodes(policy, catalog.read(NODES).entries, removed)


def find_nodes(
    policy: Sequence[str], records: Iterable[CatalogEntry], removals: Iterable[CatalogEntry]
) -> Nodes:
    """Return the nodes that a policy names, from the entries under `nodes/` and `removals/`."""
    known = {entry.key.removeprefix(NODES): entry for entry in records}
    removed = {entry.key.removeprefix(REMOVALS) for entry in removals}
    return Nodes(all=tuple(_describe(name, known.get(name), is_removed=name in removed) for name in policy))


def _describe(name: str, entry: CatalogEntry | None, *, is_removed: bool) -> Node:
    if entry is None:
        return Node(name=name, state=NodeState.REMOVED if is_removed else NodeState.ABSENT)
    record = decode(NodeRecord, entry.value)
    state = NodeState.ANSWERS if entry.session else NodeState.SILENT
    return Node(
        name=name,
        state=NodeState.REMOVED if is_removed else state,
        address=record.address,
        ahead_seconds=record.ahead_seconds,
        limited_by=record.limited_by,
    )


def explain_node(node: Node) -> str:
    """Return what an operator should know about a node; empty if all is well."""
    match node.state:
        case NodeState.SILENT:
            return (
                f"{node.name} is silent: its instances stay, and it gets no new ones; "
                f"if it will not come back, run `handshake node remove {node.name}`"
            )
        case NodeState.ABSENT:
            return f"{node.name} has not joined: run `handshake node invite {node.name}`"
        case NodeState.REMOVED:
            return f"{node.name} was removed; to bring it back, run `handshake node invite {node.name}`"
        case NodeState.ANSWERS if abs(node.ahead_seconds) > SKEW_SECONDS:
            way = "ahead of" if node.ahead_seconds > 0 else "behind"
            return f"{node.name}'s clock is {abs(node.ahead_seconds):.1f} s {way} the home node's clock: synchronise both with NTP"
        case _:
            return ""


class NodeRegister:
    """Removes and readmits nodes for an operator."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def remove(self, name: str, policy: Sequence[str], *, who: str, reason: str) -> None:
        """Say that a node will not come back: its instances are replaced elsewhere, its acks are not awaited.

        RefusedError for a node that the policy does not name, and for the home node, which holds the catalogue.
        """
        _require_named(name, policy)
        if name == policy[0]:
            raise RefusedError(f"{name} is the home node, which runs the catalogue and cannot be removed")
        now = self._clock.now()
        removal = Removal(name=name, who=who, reason=reason, at=now)
        told = journal_write(who, f"removed node {name}: {reason}", now)
        self._catalog.transact([Write(key=removal_key(name), value=encode(removal)), told])

    def admit(self, name: str, policy: Sequence[str], *, who: str) -> None:
        """Let a node in, or in again after a removal."""
        _require_named(name, policy)
        told = journal_write(who, f"invited node {name}", self._clock.now())
        self._catalog.transact([Delete(key=removal_key(name)), told])


def _require_named(name: str, policy: Sequence[str]) -> None:
    if name not in policy:
        raise RefusedError(
            f"the policy has no node {name}",
            hint=f"It has {', '.join(policy)}. To add a node, list it under `nodes` in handshake.toml, then plan and apply.",
        )
