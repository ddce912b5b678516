"""What a replay found."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.edge.replay.sight import Blind


@dataclass(frozen=True, kw_only=True)
class Sample:
    """A request of the log."""

    time: float
    client: str
    country: str
    method: str
    path: str
    status: int
    """What it was answered then."""


@dataclass(frozen=True, kw_only=True)
class Change:
    """Requests that come to something else, in the same way."""

    before: str
    after: str
    requests: int
    clients: int
    """Different addresses behind them."""
    donors: int
    """Clients among them who have given: a POST was answered 201, by no decoy."""
    samples: tuple[Sample, ...]


@dataclass(frozen=True, kw_only=True)
class Doubt:
    """Requests whose verdict hangs on what the log does not hold."""

    hangs_on: str
    requests: int


@dataclass(frozen=True, kw_only=True)
class ReplayReport:
    """What a new policy would have done with the requests of a log."""

    since: float
    """The time of the first record; 0 where there was none."""
    until: float
    requests: int
    same: int
    changed: int
    unknown: int
    """Requests whose verdict hangs on what the log does not hold."""
    refused_before: int
    """Requests that the door answered without asking any rule, whatever the policy; they are the same."""
    decided_otherwise: int
    """Requests for which the log names another rule than the policy before comes to now: switches, lists or the
    policy itself were others then."""
    unreadable: int
    """Lines that hold no record: what HAProxy itself had to say, and what was cut short."""
    changes: tuple[Change, ...]
    """The most frequent first."""
    doubts: tuple[Doubt, ...]
    blind: tuple[Blind, ...]
    """Rules of either policy that read what the log does not hold."""
    donors: tuple[str, ...]
    """Clients who have given, and for whom something changes."""
