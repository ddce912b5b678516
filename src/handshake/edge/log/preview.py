"""Whom entries would have met, by the access log: told before anybody is banned."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass

from handshake.edge.log.record import (
    LogRecord,
    is_donation,
    parse_record,
    peek_agent,
    peek_client,
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
    """A client who gave, and would have been met."""

    client: str
    donations: int
    last_at: float


@dataclass(frozen=True, kw_only=True)
class Preview:
    """Whom entries would have met."""

    since: float
    """The time of the first record that was looked at; 0 where there was none."""
    until: float
    requests: int
    """All that were looked at."""
    met: int
    """Requests that would have been met."""
    clients: int
    """Different addresses behind them."""
    paths: tuple[Count, ...]
    """The most frequent, the most frequent first."""
    countries: tuple[Count, ...]
    donors: tuple[Donor, ...]
    """Every client among them to whom a POST was answered 201, by no decoy."""


def preview_clients(
    lines: Iterable[bytes], is_met: Callable[[str], bool], decoy_rules: frozenset[str]
) -> Preview:
    """Return whom entries would have met, by their addresses."""
    return _preview(lines, peek_client, is_met, decoy_rules)


def preview_agents(
    lines: Iterable[bytes], is_met: Callable[[str], bool], decoy_rules: frozenset[str]
) -> Preview:
    """Return whom entries would have met, by their user agents."""
    return _preview(lines, peek_agent, is_met, decoy_rules)


def _preview(
    lines: Iterable[bytes],
    peek: Callable[[bytes], bytes],
    is_met: Callable[[str], bool],
    decoy_rules: frozenset[str],
) -> Preview:
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
    """What is counted of the records that are met."""

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

    def report(self, since: float, until: float, requests: int) -> Preview:
        """Return the counts."""
        return Preview(
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
