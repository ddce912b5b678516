"""What the leader sees at the begin of a cycle: all that its services' plans share, each kind of key read once."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TypeVar

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode
from handshake.catalog.entry import Entry, Held
from handshake.catalog.keys import ASSIGNMENTS, HOLDS, INSTANCES, ROLLOUTS, SAMPLES, SCALE
from handshake.control.acks import read_acks
from handshake.control.agent.sampling import NodeSamples
from handshake.control.campaign import CampaignSettings
from handshake.control.nodes import Nodes
from handshake.core.ack import Ack
from handshake.core.instance import Assignment, InstanceReport
from handshake.core.pointer import Pointer
from handshake.core.release import Subject
from handshake.core.verdict import Verdicts
from handshake.fleet.freeze import Freeze, find_freeze
from handshake.fleet.hold import Hold
from handshake.fleet.sample import Sample
from handshake.fleet.scaling import Scale
from handshake.fleet.state import Rollout

Record = TypeVar("Record")
Key = TypeVar("Key", bound=Hashable)


@dataclass(frozen=True, kw_only=True)
class World:
    """What all services' plans of one cycle share, read once."""

    pointers: Mapping[Subject, Pointer]
    entries: tuple[Entry, ...]
    """Under `assignments/`."""
    assignments: Mapping[str, Assignment]
    """The same, by key: decoded once for all services."""
    reports: Mapping[str, InstanceReport]
    acks: tuple[Ack, ...]
    samples: tuple[Sample, ...]
    rollouts: Mapping[str, Rollout]
    """By service, as scales and holds."""
    scales: Mapping[str, Scale]
    holds: Mapping[str, Hold]
    nodes: Nodes
    freeze: Freeze | None
    fence: Held
    now: float

    @cached_property
    def entries_by_service(self) -> Mapping[str, tuple[Entry, ...]]:
        """Each service's entries under `assignments/`."""
        return _group(self.entries, lambda entry: self.assignments[entry.key].service)

    @cached_property
    def acks_by_subject(self) -> Mapping[str, tuple[Ack, ...]]:
        """Each subject's acks: a hundred services would look through all of them a hundred times."""
        return _group(self.acks, lambda ack: ack.subject)


def read_world(
    catalog: Catalog,
    pointers: Mapping[Subject, Pointer],
    campaign: CampaignSettings,
    nodes: Nodes,
    *,
    fence: Held,
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
        freeze=find_freeze(campaign.freeze.calendar(), now),
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
