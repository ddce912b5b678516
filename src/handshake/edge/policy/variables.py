"""The variables of conditions: in which phase each is known, and its name in every dialect."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from handshake.core.hop_header import Hop


class Phase(StrEnum):
    """Where a rule is evaluated."""

    ADMIT = "admit"
    """At the ingress: who is the client, and is it allowed in?"""
    SERVE = "serve"
    """At the cache: what does the client get?"""


# The languages that a policy is compiled to.


class EdgeDialect(StrEnum):
    """The configuration language of a text."""

    INGRESS = "ingress"
    """HAProxy, for phase admit."""
    CACHE = "cache"
    """Varnish, for phase serve."""
    FASTLY = "fastly"
    """Fastly's VCL, for both phases."""


OF_PHASE = {Phase.ADMIT: EdgeDialect.INGRESS, Phase.SERVE: EdgeDialect.CACHE}


# The variables of conditions: one table for every dialect.


class Type(StrEnum):
    """The type of a variable."""

    ADDRESS = "address"
    TEXT = "text"
    NUMBER = "number"


@dataclass(frozen=True, kw_only=True, eq=False)
class Variable:
    """One row of the table: a variable's name, its type, and how each dialect reads it. Rows are unique."""

    name: str
    type: Type
    description: str
    reads: dict[EdgeDialect, str]
    """`{key}` stands for the key in brackets, `{pattern}` for a pattern that matches it, `{word}` for its identifier form."""
    phases: frozenset[Phase] = frozenset(Phase)
    """Where it is known."""
    has_key: bool = False
    """Read as `name["key"]`."""
    absent_at_ingress: tuple[str, ...] = ()
    """HAProxy's test for its absence; empty if every request has one. Varnish needs no such test."""


UNKNOWN_COUNTRY = "unknown"
UNKNOWN_NETWORK = 0
RATE_SECONDS = 10
"""The window of `client.rate`."""

CLIENT_IP = Variable(
    name="client.ip",
    type=Type.ADDRESS,
    description="the client's address; X-Forwarded-For counts from trusted proxies only",
    reads={
        EdgeDialect.INGRESS: "src",
        EdgeDialect.CACHE: f'std.ip(req.http.{Hop.CLIENT}, "0.0.0.0")',
        EdgeDialect.FASTLY: "client.ip",
    },
)
CLIENT_ASN = Variable(
    name="client.asn",
    type=Type.NUMBER,
    description=f"the AS number of the client's network, {UNKNOWN_NETWORK} if unknown",
    reads={
        EdgeDialect.INGRESS: "var(txn.asn)",
        EdgeDialect.CACHE: f"std.integer(req.http.{Hop.ASN}, 0)",
        EdgeDialect.FASTLY: "client.as.number",
    },
)
CLIENT_RATE = Variable(
    name="client.rate",
    type=Type.NUMBER,
    description=f"the number of the client's requests in the last {RATE_SECONDS} seconds, including this one",
    reads={
        EdgeDialect.INGRESS: "sc_http_req_rate(0)",
        EdgeDialect.CACHE: f"std.integer(req.http.{Hop.RATE}, 0)",
        EdgeDialect.FASTLY: f"ratecounter.hs_clients.bucket.{RATE_SECONDS}s",
    },
)
REQUEST_SIZE = Variable(
    name="request.size",
    type=Type.NUMBER,
    description="the announced length of the body in bytes; 0 if none was announced",
    reads={
        EdgeDialect.INGRESS: "var(txn.size)",
        EdgeDialect.CACHE: "std.integer(req.http.Content-Length, 0)",
        EdgeDialect.FASTLY: "std.atoi(req.http.Content-Length)",
    },
)
REQUEST_HEADER = Variable(
    name="request.header",
    type=Type.TEXT,
    description="a request header, empty if absent",
    reads={
        EdgeDialect.INGRESS: "req.fhdr({key},1)",
        EdgeDialect.CACHE: "req.http.{key}",
        EdgeDialect.FASTLY: "req.http.{key}",
    },
    has_key=True,
    absent_at_ingress=("req.fhdr_cnt({key})", "eq", "0"),
)
REQUEST_COOKIE = Variable(
    name="request.cookie",
    type=Type.TEXT,
    description="a cookie's value, empty if absent; if a name occurs twice, the last one counts",
    reads={
        EdgeDialect.INGRESS: "var(txn.cookie_{word})",
        EdgeDialect.CACHE: r'regsub(req.http.Cookie, "^(?:(?:.*;)? *{pattern}=([^;]*).*|.*)$", "\1")',
        # An empty cookie is prepended, so that the pattern always matches.
        EdgeDialect.FASTLY: r'regsub("{key}=;" req.http.Cookie, "^(?:.*;)? *{pattern}=([^;]*).*$", "\1")',
    },
    has_key=True,
    absent_at_ingress=("req.fhdr_cnt(cookie)", "eq", "0"),
)
REQUEST_ARM = Variable(
    name="request.arm",
    type=Type.TEXT,
    description="the visitor's arm of the named rule with `split`; empty before that rule",
    reads={
        EdgeDialect.CACHE: f"req.http.{Hop.ARM}-{{key}}",
        EdgeDialect.FASTLY: f"req.http.{Hop.ARM}-{{key}}",
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
            EdgeDialect.INGRESS: "var(txn.country)",
            EdgeDialect.CACHE: f"req.http.{Hop.COUNTRY}",
            EdgeDialect.FASTLY: f"req.http.{Hop.COUNTRY}",
        },
    ),
    CLIENT_ASN,
    CLIENT_RATE,
    Variable(
        name="request.method",
        type=Type.TEXT,
        description="GET, POST, ...",
        reads={
            EdgeDialect.INGRESS: "method",
            EdgeDialect.CACHE: "req.method",
            EdgeDialect.FASTLY: "req.method",
        },
    ),
    Variable(
        name="request.host",
        type=Type.TEXT,
        description="the Host header in lower case, without port",
        reads={
            EdgeDialect.INGRESS: "var(txn.host)",
            EdgeDialect.CACHE: r'regsub(std.tolower(req.http.Host), ":\d+$", "")',
            EdgeDialect.FASTLY: r'regsub(std.tolower(req.http.Host), ":\d+$", "")',
        },
    ),
    Variable(
        name="request.path",
        type=Type.TEXT,
        description="the path, in its canonical form",
        reads={
            EdgeDialect.INGRESS: "path",
            EdgeDialect.CACHE: r'regsub(req.url, "\?.*$", "")',
            EdgeDialect.FASTLY: "req.url.path",
        },
    ),
    Variable(
        name="request.query",
        type=Type.TEXT,
        description="the query, without the question mark",
        reads={
            EdgeDialect.INGRESS: "query",
            EdgeDialect.CACHE: r'regsub(req.url, "^[^?]*\??", "")',
            EdgeDialect.FASTLY: "req.url.qs",
        },
        absent_at_ingress=("url", "-m", "reg", "--", "^[^?]*[?]?$"),
    ),
    Variable(
        name="request.user_agent",
        type=Type.TEXT,
        description="the User-Agent header",
        reads={
            EdgeDialect.INGRESS: "req.fhdr(user-agent,1)",
            EdgeDialect.CACHE: "req.http.User-Agent",
            EdgeDialect.FASTLY: "req.http.User-Agent",
        },
        absent_at_ingress=("req.fhdr_cnt(user-agent)", "eq", "0"),
    ),
    REQUEST_SIZE,
    REQUEST_HEADER,
    REQUEST_COOKIE,
    REQUEST_ARM,
)

BY_NAME = {variable.name: variable for variable in VARIABLES}
