"""The variables that conditions may read: one table for every dialect."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from handshake.edge.phase import Phase


class Type(StrEnum):
    """What a variable holds."""

    ADDRESS = "address"
    TEXT = "text"


@dataclass(frozen=True, kw_only=True, eq=False)
class Variable:
    """One row of the table: its name, what it holds, and how each phase's language reads it. Rows are unique."""

    name: str
    type: Type
    description: str
    reads: dict[Phase, str]
    """By phase; `{key}` stands for the key in brackets. A phase that is absent cannot know the variable."""
    has_key: bool = False
    """Read as `name["key"]`."""
    absent_at_door: tuple[str, ...] = ()
    """HAProxy's test for a request without it; empty where every request has one. Varnish needs no such test."""


UNKNOWN_COUNTRY = "unknown"

CLIENT_IP = Variable(
    name="client.ip",
    type=Type.ADDRESS,
    description="the client's address; X-Forwarded-For counts from trusted proxies only",
    reads={Phase.ADMIT: "src", Phase.SERVE: 'std.ip(req.http.X-HS-Client, "0.0.0.0")'},
)

VARIABLES = (
    CLIENT_IP,
    Variable(
        name="client.country",
        type=Type.TEXT,
        description=f'two capital letters (ISO 3166), or "{UNKNOWN_COUNTRY}"',
        reads={Phase.ADMIT: "var(txn.country)", Phase.SERVE: "req.http.X-HS-Country"},
    ),
    Variable(
        name="request.method",
        type=Type.TEXT,
        description="GET, POST, ...",
        reads={Phase.ADMIT: "method", Phase.SERVE: "req.method"},
    ),
    Variable(
        name="request.host",
        type=Type.TEXT,
        description="the Host header in lower case, without port",
        reads={
            Phase.ADMIT: "var(txn.host)",
            Phase.SERVE: r'regsub(std.tolower(req.http.Host), ":\d+$", "")',
        },
    ),
    Variable(
        name="request.path",
        type=Type.TEXT,
        description="the path, in its one canonical form",
        reads={Phase.ADMIT: "path", Phase.SERVE: r'regsub(req.url, "\?.*$", "")'},
    ),
    Variable(
        name="request.query",
        type=Type.TEXT,
        description="what follows the first question mark",
        reads={Phase.ADMIT: "query", Phase.SERVE: r'regsub(req.url, "^[^?]*\??", "")'},
        absent_at_door=("url", "-m", "reg", "--", "^[^?]*[?]?$"),
    ),
    Variable(
        name="request.user_agent",
        type=Type.TEXT,
        description="the User-Agent header",
        reads={Phase.ADMIT: "req.fhdr(user-agent,1)", Phase.SERVE: "req.http.User-Agent"},
        absent_at_door=("req.fhdr_cnt(user-agent)", "eq", "0"),
    ),
    Variable(
        name="request.header",
        type=Type.TEXT,
        description="a request header, empty where it is absent",
        reads={Phase.ADMIT: "req.fhdr({key},1)", Phase.SERVE: "req.http.{key}"},
        has_key=True,
        absent_at_door=("req.fhdr_cnt({key})", "eq", "0"),
    ),
)

BY_NAME = {variable.name: variable for variable in VARIABLES}
