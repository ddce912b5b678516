"""Replays an access log: each line is judged under two policies, and counted."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field

from handshake.edge.log.record import LogRecord, is_donation, parse_record
from handshake.edge.log.rules import find_decoy_rules
from handshake.edge.policy import Policy
from handshake.edge.replay.compare import Comparer, Comparison, Sort
from handshake.edge.replay.report import Change, Doubt, ReplayReport, Sample
from handshake.edge.replay.sight import find_blind_rules, was_refused_before
from handshake.edge.request import LiveData


@dataclass(kw_only=True)
class _Group:
    """Requests that change in the same way."""

    requests: int = 0
    clients: set[str] = field(default_factory=set)
    samples: list[Sample] = field(default_factory=list)


class Replay:
    """Counts what changes from one policy to another; equal requests are judged once."""

    def __init__(
        self, before: Policy, live_before: LiveData, after: Policy, live_after: LiveData, *, samples: int
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

    def _report_changes(self) -> tuple[Change, ...]:
        changes = (
            Change(
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


def _take_sample(record: LogRecord) -> Sample:
    return Sample(
        time=record.time,
        client=record.client,
        country=record.country,
        method=record.method,
        path=record.path,
        status=record.status,
    )
