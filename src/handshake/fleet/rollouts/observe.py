"""The leader's observations at the start of a cycle: assignments, reports, endpoints, acks of gateways."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode
from handshake.catalog.entries import CatalogEntry, Endpoint, Endpoints, HeldLock, Traffic
from handshake.catalog.keys import ASSIGNMENTS, HOLDS, INSTANCES, ROLLOUTS, SAMPLES, SCALE, rollout_key
from handshake.core.subject import Subject
from handshake.fleet.engine.canary_analysis import CanarySample
from handshake.fleet.engine.freeze import Calendar, Freeze, find_freeze
from handshake.fleet.engine.state import Hold, Rollout, pointer_part
from handshake.fleet.instance import Assignment, InstanceReport, Verdicts
from handshake.fleet.instances.metrics import NodeSamples
from handshake.fleet.nodes import Nodes
from handshake.fleet.scaling import Scale
from handshake.pointers.acks import Ack, concerned_places, is_served, pool_subject, read_acks
from handshake.pointers.pointer import Pointer

Record = TypeVar("Record")
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, kw_only=True)
class World:
    """Observations that all services' plans in one cycle share, read once."""

    pointers: Mapping[Subject, Pointer]
    entries: tuple[CatalogEntry, ...]
    """Under `assignments/`."""
    assignments: Mapping[str, Assignment]
    """The same, by key: decoded once for all services."""
    reports: Mapping[str, InstanceReport]
    acks: tuple[Ack, ...]
    samples: tuple[CanarySample, ...]
    rollouts: Mapping[str, Rollout]
    """By service, as scales and holds."""
    scales: Mapping[str, Scale]
    holds: Mapping[str, Hold]
    nodes: Nodes
    freeze: Freeze | None
    fence: HeldLock
    now: float

    @cached_property
    def entries_by_service(self) -> Mapping[str, tuple[CatalogEntry, ...]]:
        """Each service's entries under `assignments/`."""
        return _group(self.entries, lambda entry: self.assignments[entry.key].service)

    @cached_property
    def acks_by_subject(self) -> Mapping[str, tuple[Ack, ...]]:
        """Each subject's acks: a hundred services would look through all of them a hundred times."""
        return _group(self.acks, lambda ack: ack.subject)


def read_world(
    catalog: Catalog,
    pointers: Mapping[Subject, Pointer],
    calendar: Calendar,
    nodes: Nodes,
    *,
    fence: HeldLock,
    now: float,
) -> World:
    """Return what is so now."""
    reports = _read(catalog, InstanceReport, INSTANCES)
    entries = catalog.read(ASSIGNMENTS).entries
    return World(
        pointers=pointers,
        entries=entries,
        assignments={entry.key: decode(Assignment, entry.value) for entry in entries},
        reports={report.instance: _forget_if_silent(report, nodes) for report in reports},
        acks=read_acks(catalog),
        samples=tuple(sample for node in _read(catalog, NodeSamples, SAMPLES) for sample in node.samples),
        rollouts={rollout.service: rollout for rollout in _read(catalog, Rollout, ROLLOUTS)},
        scales={scale.service: scale for scale in _read(catalog, Scale, SCALE)},
        holds={hold.service: hold for hold in _read(catalog, Hold, HOLDS)},
        nodes=nodes,
        freeze=find_freeze(calendar, now),
        fence=fence,
        now=now,
    )


def _read(catalog: Catalog, kind: type[Record], prefix: str) -> Iterator[Record]:
    return (decode(kind, entry.value) for entry in catalog.read(prefix).entries)


def _group(records: Iterable[Record], key_of: Callable[[Record], Key]) -> Mapping[Key, tuple[Record, ...]]:
    groups: defaultdict[Key, list[Record]] = defaultdict(list)
    for record in records:
        groups[key_of(record)].append(record)
    return {key: tuple(group) for key, group in groups.items()}


def _forget_if_silent(report: InstanceReport, nodes: Nodes) -> InstanceReport:
    """Return what is known of an instance now: of a silent node's, only a death that it told before."""
    is_known = report.node not in nodes.silent or report.verdicts.alive.is_no
    return report if is_known else replace(report, verdicts=Verdicts())


# The pools: every service's endpoints, and what the gateways' acks say about each member.


@dataclass(frozen=True, kw_only=True)
class PoolView:
    """One service's endpoints and how far every gateway has followed them."""

    endpoints: Endpoints
    acks: tuple[Ack, ...]
    """Of this pool."""
    nodes: tuple[str, ...]

    def is_in(self, instance: str) -> bool:
        """Whether every gateway has acknowledged a pool that holds the instance open."""
        endpoint = self._find(instance)
        return endpoint is not None and endpoint.traffic is Traffic.OPEN and self._is_followed(endpoint)

    def is_out(self, instance: str) -> bool:
        """Whether every gateway has acknowledged a pool without the instance, its last request ended."""
        endpoint = self._find(instance)
        return endpoint is None or (endpoint.traffic is Traffic.DRAINING and self._is_followed(endpoint))

    def _find(self, instance: str) -> Endpoint | None:
        return next((known for known in self.endpoints.endpoints if known.id == instance), None)

    def _is_followed(self, endpoint: Endpoint) -> bool:
        subject = pool_subject(endpoint.service)
        return is_served(endpoint.revision, self.acks, concerned_places(subject, self.nodes))


class Pools:
    """Every service's endpoints, requested again only after some endpoint has changed.

    A leader of a hundred services asks the catalogue one question in an idle cycle, not a hundred.
    """

    def __init__(self, catalog: Catalog) -> None:
        self._catalog = catalog
        self._index = 0
        self._known: dict[str, Endpoints] = {}

    def refresh(self) -> None:
        """Forget what is not so any more; all of it where the catalogue does not answer."""
        known, self._known = self._known, {}
        index = self._catalog.endpoints_index()
        if index == self._index:
            self._known = known
        self._index = index

    def endpoints(self, service: str) -> Endpoints:
        """Return a service's endpoints, as they were at the last `refresh` or later."""
        if service not in self._known:
            self._known[service] = self._catalog.endpoints(service)
        return self._known[service]


@dataclass(frozen=True, kw_only=True)
class CatalogRolloutProgress:
    """Answers questions about rollouts for whoever waits for a moved pointer."""

    catalog: Catalog

    def why_bad(self, moved: Pointer) -> str:
        """Return why the trial of the release that a pointer names failed; empty if none did."""
        bad = (bad for rollout in _read(self.catalog, Rollout, ROLLOUTS) for bad in rollout.bad)
        return next((each.reason for each in bad if each.part == pointer_part(moved)), "")

    def why_it_waits(self, service: str) -> str:
        """Return what a service's rollout waits for; empty if nothing is known."""
        entry = self.catalog.get(rollout_key(service))
        return decode(Rollout, entry.value).reason if entry else ""
