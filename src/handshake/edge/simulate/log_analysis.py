"""Analyses the access log: clients that a ban matched or would have matched, and who received decoys."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from handshake.edge.simulate.access_log import (
    LogRecord,
    is_donation,
    may_be_donation,
    parse_record,
    peek_agent,
    peek_client,
    peek_rule,
    peek_time,
)

_SHOWN = 10


@dataclass(frozen=True, kw_only=True)
class Count:
    """How often something was seen."""

    what: str
    requests: int


@dataclass(frozen=True, kw_only=True)
class Donor:
    """A donor who would have been matched."""

    client: str
    donations: int
    last_at: float


@dataclass(frozen=True, kw_only=True)
class BanPreview:
    """The clients that a ban would have matched."""

    since: float
    """The time of the first examined record; 0 if there is none."""
    until: float
    requests: int
    """All examined requests."""
    met: int
    """Requests that would have matched."""
    clients: int
    """The number of different client addresses."""
    paths: tuple[Count, ...]
    """The most frequent ones, in order."""
    countries: tuple[Count, ...]
    donors: tuple[Donor, ...]
    """Every donor among them: a POST was answered 201, not by a decoy."""


def preview_clients(
    lines: Iterable[bytes], is_met: Callable[[str], bool], decoy_rules: frozenset[str]
) -> BanPreview:
    """Return whom entries would have met, by their addresses."""
    return _preview(lines, peek_client, is_met, decoy_rules)


def preview_agents(
    lines: Iterable[bytes], is_met: Callable[[str], bool], decoy_rules: frozenset[str]
) -> BanPreview:
    """Return whom entries would have met, by their user agents."""
    return _preview(lines, peek_agent, is_met, decoy_rules)


def _preview(
    lines: Iterable[bytes],
    peek: Callable[[bytes], bytes],
    is_met: Callable[[str], bool],
    decoy_rules: frozenset[str],
) -> BanPreview:
    """Decide once for each different client; only lines that are met are read whole."""
    decided: dict[bytes, bool] = {}
    tally = _Tally(decoy_rules)
    first = last = b""
    requests = 0
    for line in lines:
        key = peek(line)
        if not key:
            continue
        first, last = first or line, line
        requests += 1
        met = decided.get(key)
        if met is None:
            met = decided[key] = is_met(_unescape(key))
        if met and (record := parse_record(line)):
            tally.add(record)
    return tally.report(peek_time(first) or 0.0, peek_time(last) or 0.0, requests)


class _Tally:
    """Counters of the matching records."""

    def __init__(self, decoy_rules: frozenset[str]) -> None:
        self._decoy_rules = decoy_rules
        self._met = 0
        self._clients: set[str] = set()
        self._paths: Counter[str] = Counter()
        self._countries: Counter[str] = Counter()
        self._donors: dict[str, Donor] = {}

    def add(self, record: LogRecord) -> None:
        """Count one record."""
        self._met += 1
        self._clients.add(record.client)
        self._paths[record.path] += 1
        self._countries[record.country] += 1
        if is_donation(record, self._decoy_rules):
            before = self._donors.get(record.client)
            self._donors[record.client] = Donor(
                client=record.client,
                donations=(before.donations if before else 0) + 1,
                last_at=record.time,
            )

    def report(self, since: float, until: float, requests: int) -> BanPreview:
        """Return the counts."""
        return BanPreview(
            since=since,
            until=until,
            requests=requests,
            met=self._met,
            clients=len(self._clients),
            paths=_rank(self._paths),
            countries=_rank(self._countries),
            donors=tuple(self._donors.values()),
        )


def _rank(counter: Counter[str]) -> tuple[Count, ...]:
    return tuple(Count(what=what, requests=number) for what, number in counter.most_common(_SHOWN))


def _unescape(raw: bytes) -> str:
    if b"\\" not in raw:
        return raw.decode(errors="replace")
    try:
        return str(json.loads(b'"' + raw + b'"'))
    except ValueError:
        return raw.decode(errors="replace")


# Decoys, counted apart: how many, to whom, and who among them had really given before.


@dataclass(frozen=True, kw_only=True)
class Deceived:
    """A client who received decoys."""

    client: str
    country: str
    decoys: int
    receipts: int
    """How many of them looked like success: the client may believe to have donated."""
    first_at: float
    last_at: float
    gave_at: float
    """When this client had donated before; 0 if never."""

    @property
    def is_suspect(self) -> bool:
        """Whether this may be an honest donor who was taken for an attacker."""
        return self.gave_at > 0


@dataclass(frozen=True, kw_only=True)
class DecoyReport:
    """All decoys in a time window."""

    decoys: int
    rules: tuple[Count, ...]
    clients: tuple[Deceived, ...]
    """Earlier donors come first, then by number of decoys."""

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


# How often entries met somebody, by the access log: nothing is counted while a request waits.


def count_clients(lines: Iterable[bytes], rules: frozenset[str]) -> Counter[str]:
    """Return how many requests of each client these rules decided."""
    return _count(lines, rules, peek_client)


def count_agents(lines: Iterable[bytes], rules: frozenset[str]) -> Counter[str]:
    """Return how many requests of each user agent these rules decided."""
    return _count(lines, rules, peek_agent)


def count_hits(seen: Counter[str], find: Callable[[str], str | None]) -> Counter[str]:
    """Return how many requests each entry met."""
    hits: Counter[str] = Counter()
    for who, number in seen.items():
        if entry := find(who):
            hits[entry] += number
    return hits


def _count(lines: Iterable[bytes], rules: frozenset[str], peek: Callable[[bytes], bytes]) -> Counter[str]:
    wanted = {rule.encode() for rule in rules}
    seen: Counter[bytes] = Counter(peek(line) for line in lines if peek_rule(line) in wanted)
    return Counter({who.decode(errors="replace"): number for who, number in seen.items()})
