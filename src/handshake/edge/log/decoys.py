"""Decoys, counted apart: how many, to whom, and who among them had really given before."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from handshake.edge.log.preview import Count
from handshake.edge.log.record import (
    LogRecord,
    is_donation,
    may_be_donation,
    parse_record,
    peek_rule,
)


@dataclass(frozen=True, kw_only=True)
class Deceived:
    """A client who got decoys."""

    client: str
    country: str
    decoys: int
    receipts: int
    """How many of them looked like success: money that somebody believes to have given."""
    first_at: float
    last_at: float
    gave_at: float
    """When this client had really given before; 0 where it had not."""

    @property
    def is_suspect(self) -> bool:
        """Whether this may be an honest donor who was taken for an attacker."""
        return self.gave_at > 0


@dataclass(frozen=True, kw_only=True)
class DecoyReport:
    """All decoys of a window."""

    decoys: int
    rules: tuple[Count, ...]
    clients: tuple[Deceived, ...]
    """Those who had really given before come first, then by number of decoys."""

    @property
    def suspects(self) -> tuple[Deceived, ...]:
        """Clients who had really given before."""
        return tuple(each for each in self.clients if each.is_suspect)


def account_decoys(lines: Iterable[bytes], decoy_rules: frozenset[str]) -> DecoyReport:
    """Return who got decoys; the lines are in the order of time."""
    gave: dict[str, float] = {}
    deceived: dict[str, Deceived] = {}
    rules: Counter[str] = Counter()
    for record in _read_relevant(lines, decoy_rules):
        if record.rule in decoy_rules:
            rules[record.rule] += 1
            before = deceived.get(record.client)
            deceived[record.client] = _deceive(before, record, gave.get(record.client, 0.0))
        elif is_donation(record, decoy_rules):
            gave.setdefault(record.client, record.time)
    return DecoyReport(
        decoys=sum(rules.values()),
        rules=tuple(Count(what=rule, requests=number) for rule, number in rules.most_common()),
        clients=tuple(sorted(deceived.values(), key=lambda each: (not each.is_suspect, -each.decoys))),
    )


def _read_relevant(lines: Iterable[bytes], decoy_rules: frozenset[str]) -> Iterator[LogRecord]:
    wanted = {rule.encode() for rule in decoy_rules}
    for line in lines:
        if (peek_rule(line) in wanted or may_be_donation(line)) and (record := parse_record(line)):
            yield record


def _deceive(before: Deceived | None, record: LogRecord, gave_at: float) -> Deceived:
    return Deceived(
        client=record.client,
        country=record.country,
        decoys=(before.decoys if before else 0) + 1,
        receipts=(before.receipts if before else 0) + (200 <= record.status < 300),  # noqa: PLR2004 -- HTTP's success
        first_at=before.first_at if before else record.time,
        last_at=record.time,
        gave_at=(before.gave_at if before else 0.0) or gave_at,
    )
