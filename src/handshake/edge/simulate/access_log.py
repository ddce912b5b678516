"""Records of the ingress's access log: one JSON object a line, and which of a request's fields they contain."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass

from handshake.edge.policy.actions import Decoy
from handshake.edge.policy.expression import IsListed, VariableRef, walk_reads, walk_tests
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.request import Request
from handshake.edge.policy.variables import REQUEST_HEADER

NONE = "-"
"""The ingress's placeholder for missing values."""

_TIME = b'{"time":'
_CLIENT = b'"client":"'
_RULE = b'"rule":"'
_AGENT = b'"user_agent":"'
_CREATED = 201


@dataclass(frozen=True, kw_only=True)
class LogRecord:
    """One request, as seen by the ingress."""

    time: float
    client: str
    country: str
    method: str
    path: str
    status: int
    rule: str
    """The rule that decided; `-` for none."""
    user_agent: str
    """Empty if missing: the log is old, or HAProxy could not read the request."""
    host: str = NONE
    """The Host header as sent."""
    query: str = NONE


def parse_record(line: bytes) -> LogRecord | None:
    """Return the record of a line; None for what HAProxy itself has to say, and for a line cut short."""
    try:
        fields = json.loads(line)
        return LogRecord(
            time=fields["time"],
            client=fields["client"],
            country=fields["country"],
            method=fields["method"],
            path=fields.get("path", NONE),
            status=fields["status"],
            rule=fields["rule"],
            user_agent=fields.get("user_agent", ""),
            host=fields.get("host", NONE),
            query=fields.get("query", NONE),
        )
    except (ValueError, KeyError, TypeError):
        return None


def is_donation(record: LogRecord, decoy_rules: frozenset[str]) -> bool:
    """Return whether somebody made something, such as a donation: a POST answered 201, and by no decoy."""
    return record.method == "POST" and record.status == _CREATED and record.rule not in decoy_rules


def may_be_donation(line: bytes) -> bool:
    """Tell, without reading the whole line, whether it may be a donation."""
    return b'"status":201,' in line and b'"method":"POST"' in line


def peek_time(line: bytes) -> float | None:
    """Return a line's time without reading the rest; None if it has none."""
    if not line.startswith(_TIME):
        return None
    try:
        return float(line[len(_TIME) : line.index(b",", len(_TIME))])
    except ValueError:
        return None


def peek_client(line: bytes) -> bytes:
    """Return a line's client without reading the rest."""
    return _peek(line, _CLIENT)


def peek_rule(line: bytes) -> bytes:
    """Return the rule that decided without reading the rest."""
    return _peek(line, _RULE)


def peek_agent(line: bytes) -> bytes:
    """Return a line's user agent, still escaped as JSON, without reading the rest."""
    return _peek(line, _AGENT)


def _peek(line: bytes, name: bytes) -> bytes:
    begin = line.find(name)
    if begin < 0:
        return b""
    begin += len(name)
    end = line.find(b'"', begin)
    while end > 0 and line[end - 1] == ord("\\"):
        end = line.find(b'"', end + 1)
    return line[begin:end]


# What the access log tells of a request, and which variables it does not hold: those are never guessed.

HIDDEN = frozenset(
    {
        "client.asn",
        "client.rate",
        "request.arm",
        "request.cookie",
        "request.header",
        "request.size",
        "request.user_agent",
    }
)
"""Some of these are known all the same: where a log holds the user agent, and what a rule has set."""
_TOLD_HEADERS = frozenset({"host", "user-agent"})
_PORT = re.compile(r":\d+$")


@dataclass(frozen=True, kw_only=True)
class Blind:
    """A rule whose condition reads what the log does not record."""

    rule: str
    where: str
    reads: tuple[str, ...]


def read_request(record: LogRecord) -> Request:
    """Return the request of a record. What is absent from it, and what is a lone hyphen, look alike in the log."""
    host = _read(record.host)
    headers = {"host": host}
    if record.user_agent:
        headers["user-agent"] = _read(record.user_agent)
    return Request(
        client=record.client,
        country=record.country,
        method=record.method,
        host=_PORT.sub("", host.lower()),
        path=record.path,
        query=_read(record.query),
        headers=headers,
    )


def was_refused_before(record: LogRecord) -> bool:
    """Return whether the ingress answered without asking any rule: what it could not read, what has two readings."""
    is_own = record.rule.startswith("strict-") or record.rule == "challenge"
    return is_own or record.method == NONE or not record.path.startswith("/")


def find_blind_rules(policy: EdgePolicy) -> tuple[Blind, ...]:
    """Return the rules that the log alone does not always decide."""
    return tuple(
        Blind(rule=rule.name, where=f"{rule.where.file}:{rule.where.line}", reads=names)
        for rule in policy.rules
        if (
            names := tuple(
                dict.fromkeys(reads.name for reads in walk_reads(rule.condition) if not field_of(reads))
            )
        )
    )


def field_of(reads: VariableRef) -> str:
    """Return the record's field that holds a variable; empty if none does."""
    return _FIELDS.get(reads.key or reads.variable.name, "") if _is_told(reads) else ""


def _is_told(reads: VariableRef) -> bool:
    return not reads.key or (reads.variable is REQUEST_HEADER and reads.key in _TOLD_HEADERS)


_FIELDS = {
    "client.ip": "client",
    "client.country": "country",
    "request.method": "method",
    "request.host": "host",
    "request.path": "path",
    "request.query": "query",
    "request.user_agent": "user_agent",
    "host": "host",
    "user-agent": "user_agent",
}
"""Variable or header -> the record's field that contains it."""


def _read(text: str) -> str:
    return "" if text == NONE else text


# Which rules of a policy the log's `rule` may name.


def find_list_rules(policy: EdgePolicy, name: str) -> frozenset[str]:
    """Return the rules that look into a list."""
    return frozenset(
        rule.name
        for rule in policy.rules
        if any(isinstance(test, IsListed) and test.name == name for test in walk_tests(rule.condition))
    )


def find_decoy_rules(policy: EdgePolicy) -> frozenset[str]:
    """Return the rules that give decoys."""
    return frozenset(rule.name for rule in policy.rules if isinstance(rule.action, Decoy))
