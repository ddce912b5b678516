"""Replays an access log: each line is evaluated under two policies and counted; the report."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.request import LiveData
from handshake.edge.simulate.access_log import (
    Blind,
    LogRecord,
    find_blind_rules,
    find_decoy_rules,
    is_donation,
    parse_record,
    was_refused_before,
)
from handshake.edge.simulate.compare import Comparer, Comparison, Sort

# What a replay found.


@dataclass(frozen=True, kw_only=True)
class ReplaySample:
    """A request in the log."""

    time: float
    client: str
    country: str
    method: str
    path: str
    status: int
    """The status at the time."""


@dataclass(frozen=True, kw_only=True)
class VerdictChange:
    """Requests whose outcome changes in the same way."""

    before: str
    after: str
    requests: int
    clients: int
    """The number of different client addresses."""
    donors: int
    """Donors among the clients: a POST was answered 201, not by a decoy."""
    samples: tuple[ReplaySample, ...]


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """Requests whose verdict depends on what the log does not record."""

    hangs_on: str
    requests: int


@dataclass(frozen=True, kw_only=True)
class ReplayReport:
    """The outcomes of a log's requests under a new policy."""

    since: float
    """The time of the first record; 0 if there is none."""
    until: float
    requests: int
    same: int
    changed: int
    unknown: int
    """Requests whose verdict depends on what the log does not record."""
    refused_before: int
    """Requests that the ingress rejected before any rule, under any policy; they do not change."""
    decided_otherwise: int
    """Requests for which the log names another rule than the old policy yields now: switches, lists or the policy
    itself have changed since."""
    unreadable: int
    """Lines without a record: HAProxy's own messages, and truncated lines."""
    changes: tuple[VerdictChange, ...]
    """Most frequent first."""
    doubts: tuple[Doubt, ...]
    blind: tuple[Blind, ...]
    """Rules of either policy that read what the log does not record."""
    donors: tuple[str, ...]
    """Donors who are affected by a change."""


@dataclass(kw_only=True)
class _Group:
    """Requests that change in the same way."""

    requests: int = 0
    clients: set[str] = field(default_factory=set)
    samples: list[ReplaySample] = field(default_factory=list)


class Replay:
    """Counts what changes from one policy to another; equal requests are evaluated once."""

    def __init__(
        self,
        before: EdgePolicy,
        live_before: LiveData,
        after: EdgePolicy,
        live_after: LiveData,
        *,
        samples: int,
    ) -> None:
        self._comparer = Comparer(before, live_before, after, live_after)
        self._decoys = find_decoy_rules(before)
        self._blind = tuple(dict.fromkeys((*find_blind_rules(before), *find_blind_rules(after))))
        self._most_samples = samples
        self._sorts: Counter[Sort] = Counter()
        self._groups: dict[tuple[str, str], _Group] = {}
        self._doubts: Counter[str] = Counter()
        self._givers: set[str] = set()
        self._refused_before = self._otherwise = self._unreadable = 0
        self._since = self._until = 0.0

    def add(self, line: bytes) -> None:
        """Judge and count one line."""
        record = parse_record(line)
        if record is None:
            self._unreadable += 1
            return
        self._since, self._until = self._since or record.time, record.time
        if is_donation(record, self._decoys):
            self._givers.add(record.client)
        if was_refused_before(record):
            self._refused_before += 1
            return
        self._count(record, self._comparer.compare_record(record))

    def report(self) -> ReplayReport:
        """Return the counts."""
        changed = {client for group in self._groups.values() for client in group.clients}
        return ReplayReport(
            since=self._since,
            until=self._until,
            requests=sum(self._sorts.values()) + self._refused_before,
            same=self._sorts[Sort.SAME] + self._refused_before,
            changed=self._sorts[Sort.CHANGED],
            unknown=self._sorts[Sort.UNKNOWN],
            refused_before=self._refused_before,
            decided_otherwise=self._otherwise,
            unreadable=self._unreadable,
            changes=self._report_changes(),
            doubts=tuple(Doubt(hangs_on=what, requests=count) for what, count in self._doubts.most_common()),
            blind=self._blind,
            donors=tuple(sorted(changed & self._givers)),
        )

    def _count(self, record: LogRecord, its: Comparison) -> None:
        self._sorts[its.sort] += 1
        self._otherwise += not its.is_as_logged
        if its.sort is Sort.UNKNOWN:
            self._doubts[", ".join(its.hangs_on) or "too many things"] += 1
        if its.sort is not Sort.CHANGED:
            return
        group = self._groups.setdefault((its.before, its.after), _Group())
        group.requests += 1
        group.clients.add(record.client)
        if len(group.samples) < self._most_samples:
            group.samples.append(_take_sample(record))

    def _report_changes(self) -> tuple[VerdictChange, ...]:
        changes = (
            VerdictChange(
                before=before,
                after=after,
                requests=group.requests,
                clients=len(group.clients),
                donors=len(group.clients & self._givers),
                samples=tuple(group.samples),
            )
            for (before, after), group in self._groups.items()
        )
        return tuple(sorted(changes, key=lambda change: -change.requests))


def _take_sample(record: LogRecord) -> ReplaySample:
    return ReplaySample(
        time=record.time,
        client=record.client,
        country=record.country,
        method=record.method,
        path=record.path,
        status=record.status,
    )
