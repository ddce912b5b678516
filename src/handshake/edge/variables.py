"""The variables that conditions may read: one table for every dialect."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from handshake.core.hop_header import Hop
from handshake.edge.dialect import Dialect
from handshake.edge.phase import Phase


class Type(StrEnum):
    """What a variable holds."""

    ADDRESS = "address"
    TEXT = "text"
    NUMBER = "number"


@dataclass(frozen=True, kw_only=True, eq=False)
class Variable:
    """One row of the table: its name, what it holds, and how each dialect reads it. Rows are unique."""

    name: str
    type: Type
    description: str
    reads: dict[Dialect, str]
    """`{key}` stands for the key in brackets, `{pattern}` for one that matches it, `{word}` for it in letters, digits, `_`."""
    phases: frozenset[Phase] = frozenset(Phase)
    """Where it is known."""
    has_key: bool = False
    """Read as `name["key"]`."""
    absent_at_door: tuple[str, ...] = ()
    """HAProxy's test for a request without it; empty where every request has one. Varnish needs no such test."""


UNKNOWN_COUNTRY = "unknown"
UNKNOWN_NETWORK = 0
RATE_SECONDS = 10
"""The time that `client.rate` looks back."""

CLIENT_IP = Variable(
    name="client.ip",
    type=Type.ADDRESS,
    description="the client's address; X-Forwarded-For counts from trusted proxies only",
    reads={
        Dialect.DOOR: "src",
        Dialect.CACHE: f'std.ip(req.http.{Hop.CLIENT}, "0.0.0.0")',
        Dialect.FASTLY: "client.ip",
    },
)
CLIENT_ASN = Variable(
    name="client.asn",
    type=Type.NUMBER,
    description=f"the number of the client's network (autonomous system), {UNKNOWN_NETWORK} where nobody knows",
    reads={
        Dialect.DOOR: "var(txn.asn)",
        Dialect.CACHE: f"std.integer(req.http.{Hop.ASN}, 0)",
        Dialect.FASTLY: "client.as.number",
    },
)
CLIENT_RATE = Variable(
    name="client.rate",
    type=Type.NUMBER,
    description=f"how many requests the client has made in the last {RATE_SECONDS} seconds, this one included",
    reads={
        Dialect.DOOR: "sc_http_req_rate(0)",
        Dialect.CACHE: f"std.integer(req.http.{Hop.RATE}, 0)",
        Dialect.FASTLY: f"ratecounter.hs_clients.bucket.{RATE_SECONDS}s",
    },
)
REQUEST_SIZE = Variable(
    name="request.size",
    type=Type.NUMBER,
    description="the length of the body that the client has announced, in bytes; 0 where it has announced none",
    reads={
        Dialect.DOOR: "var(txn.size)",
        Dialect.CACHE: "std.integer(req.http.Content-Length, 0)",
        Dialect.FASTLY: "std.atoi(req.http.Content-Length)",
    },
)
REQUEST_HEADER = Variable(
    name="request.header",
    type=Type.TEXT,
    description="a request header, empty where it is absent",
    reads={
        Dialect.DOOR: "req.fhdr({key},1)",
        Dialect.CACHE: "req.http.{key}",
        Dialect.FASTLY: "req.http.{key}",
    },
    has_key=True,
    absent_at_door=("req.fhdr_cnt({key})", "eq", "0"),
)
REQUEST_COOKIE = Variable(
    name="request.cookie",
    type=Type.TEXT,
    description="a cookie's value, empty where it is absent; the last one counts where a name stands twice",
    reads={
        Dialect.DOOR: "var(txn.cookie_{word})",
        Dialect.CACHE: r'regsub(req.http.Cookie, "^(?:(?:.*;)? *{pattern}=([^;]*).*|.*)$", "\1")',
        # An empty one goes before all others, so that the pattern always finds one.
        Dialect.FASTLY: r'regsub("{key}=;" req.http.Cookie, "^(?:.*;)? *{pattern}=([^;]*).*$", "\1")',
    },
    has_key=True,
    absent_at_door=("req.fhdr_cnt(cookie)", "eq", "0"),
)
REQUEST_ARM = Variable(
    name="request.arm",
    type=Type.TEXT,
    description="the arm that the named rule with `split` has chosen for the visitor; empty before such a rule",
    reads={
        Dialect.CACHE: f"req.http.{Hop.ARM}-{{key}}",
        Dialect.FASTLY: f"req.http.{Hop.ARM}-{{key}}",
    },
    phases=frozenset({Phase.SERVE}),
    has_key=True,
)

VARIABLES = (
    CLIENT_IP,
    Variable(
        name="client.country",
        type=Type.TEXT,
        description=f'two capital letters (ISO 3166), or "{UNKNOWN_COUNTRY}"',
        reads={
            Dialect.DOOR: "var(txn.country)",
            Dialect.CACHE: f"req.http.{Hop.COUNTRY}",
            Dialect.FASTLY: f"req.http.{Hop.COUNTRY}",
        },
    ),
    CLIENT_ASN,
    CLIENT_RATE,
    Variable(
        name="request.method",
        type=Type.TEXT,
        description="GET, POST, ...",
        reads={Dialect.DOOR: "method", Dialect.CACHE: "req.method", Dialect.FASTLY: "req.method"},
    ),
    Variable(
        name="request.host",
        type=Type.TEXT,
        description="the Host header in lower case, without port",
        reads={
            Dialect.DOOR: "var(txn.host)",
            Dialect.CACHE: r'regsub(std.tolower(req.http.Host), ":\d+$", "")',
            Dialect.FASTLY: r'regsub(std.tolower(req.http.Host), ":\d+$", "")',
        },
    ),
    Variable(
        name="request.path",
        type=Type.TEXT,
        description="the path, in its one canonical form",
        reads={
            Dialect.DOOR: "path",
            Dialect.CACHE: r'regsub(req.url, "\?.*$", "")',
            Dialect.FASTLY: "req.url.path",
        },
    ),
    Variable(
        name="request.query",
        type=Type.TEXT,
        description="what follows the first question mark",
        reads={
            Dialect.DOOR: "query",
            Dialect.CACHE: r'regsub(req.url, "^[^?]*\??", "")',
            Dialect.FASTLY: "req.url.qs",
        },
        absent_at_door=("url", "-m", "reg", "--", "^[^?]*[?]?$"),
    ),
    Variable(
        name="request.user_agent",
        type=Type.TEXT,
        description="the User-Agent header",
        reads={
            Dialect.DOOR: "req.fhdr(user-agent,1)",
            Dialect.CACHE: "req.http.User-Agent",
            Dialect.FASTLY: "req.http.User-Agent",
        },
        absent_at_door=("req.fhdr_cnt(user-agent)", "eq", "0"),
    ),
    REQUEST_SIZE,
    REQUEST_HEADER,
    REQUEST_COOKIE,
    REQUEST_ARM,
)

BY_NAME = {variable.name: variable for variable in VARIABLES}
