"""Records of the door's access log: one JSON object a line."""

from __future__ import annotations

import json
from dataclasses import dataclass

NONE = "-"
"""What the door writes where there is nothing to say."""

_TIME = b'{"time":'
_CLIENT = b'"client":"'
_RULE = b'"rule":"'
_AGENT = b'"user_agent":"'
_CREATED = 201


@dataclass(frozen=True, kw_only=True)
class LogRecord:
    """One request, as the door saw it."""

    time: float
    client: str
    country: str
    method: str
    path: str
    status: int
    rule: str
    """The rule that decided; `-` for none."""
    user_agent: str
    """Empty where none was written: the log is old, or HAProxy could not read the request."""
    host: str = NONE
    """The Host header as it was sent."""
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
    """Tell whether somebody made something, such as a donation: a POST answered 201, and by no decoy."""
    return record.method == "POST" and record.status == _CREATED and record.rule not in decoy_rules


def may_be_donation(line: bytes) -> bool:
    """Tell, without reading the whole line, whether it may be a donation."""
    return b'"status":201,' in line and b'"method":"POST"' in line


def peek_time(line: bytes) -> float | None:
    """Return a line's time without reading the rest; None where it has none."""
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
