"""What the access log tells of a request, and which variables it does not hold: those are never guessed."""

from __future__ import annotations

import re
from dataclasses import dataclass

from handshake.edge.expression import Reads, walk_reads
from handshake.edge.log.record import NONE, LogRecord
from handshake.edge.policy import Policy
from handshake.edge.request import Request
from handshake.edge.variables import REQUEST_HEADER

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
    """A rule whose condition reads what the log does not hold."""

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
    """Tell whether the door answered without asking any rule: what it could not read, what has two readings."""
    is_own = record.rule.startswith("strict-") or record.rule == "challenge"
    return is_own or record.method == NONE or not record.path.startswith("/")


def find_blind_rules(policy: Policy) -> tuple[Blind, ...]:
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


def field_of(reads: Reads) -> str:
    """Return the record's field that holds a variable; empty where none does."""
    return _FIELDS.get(reads.key or reads.variable.name, "") if _is_told(reads) else ""


def _is_told(reads: Reads) -> bool:
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
"""Variable or header -> the record's field that holds it."""


def _read(text: str) -> str:
    return "" if text == NONE else text
