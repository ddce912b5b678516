"""What the door finds out about a request before any rule is tried: only what a rule reads."""

from __future__ import annotations

import re

from handshake.core.hop_header import Hop
from handshake.edge.dialect import Dialect
from handshake.edge.door.maps import NETWORKS
from handshake.edge.expression import Reads
from handshake.edge.phase import Phase
from handshake.edge.policy import Policy
from handshake.edge.variables import (
    CLIENT_ASN,
    CLIENT_RATE,
    RATE_SECONDS,
    REQUEST_COOKIE,
    REQUEST_SIZE,
    UNKNOWN_NETWORK,
    Variable,
)
from handshake.syntax.haproxy import Line, Section, line

RATES = "client-rates"
_HOST = "var(txn.host)"
_CLIENTS = "200k"


def find_out(policy: Policy, maps: str) -> tuple[Line, ...]:
    """Return the lines that find out what conditions read and HAProxy does not know by itself."""
    lines: list[Line] = []
    if any(reads.spell(Dialect.DOOR) == _HOST for reads in _looked_at(policy)):
        lines.append(line("http-request", "set-var(txn.host)", "req.fhdr(host,1),host_only,lower"))
    if _is_read(policy, CLIENT_ASN):
        lookup = f"src,map_ip_int({maps}/{NETWORKS},{UNKNOWN_NETWORK})"
        lines.append(line("http-request", "set-var(txn.asn)", lookup))
    if _is_read(policy, CLIENT_RATE):
        lines.append(line("http-request", "track-sc0", "src", "table", RATES))
    if policy.needs(REQUEST_SIZE, Phase.ADMIT):
        lines += _find_size()
    return *lines, *find_cookies(policy)


def find_cookies(policy: Policy, *condition: str) -> tuple[Line, ...]:
    """Return the lines that read the cookies; again where a rule has changed their header."""
    return tuple(
        statement
        for reads in _looked_at(policy)
        if reads.variable is REQUEST_COOKIE
        for statement in (
            *(
                (line("http-request", f"unset-var(txn.cookie_{reads.word})", *condition),)
                if condition
                else ()
            ),
            line("http-request", *_find_cookie(reads), *condition),
        )
    )


def _looked_at(policy: Policy) -> dict[Reads, None]:
    """Return what the door reads: for its own rules, and in lists for those of the cache."""
    listings = (listing.reads for listing in policy.listings(Phase.SERVE))
    return dict.fromkeys((*policy.readings(Phase.ADMIT), *listings))


def tell_findings(policy: Policy) -> tuple[Line, ...]:
    """Return the lines that tell the cache what it cannot find out by itself."""
    told = ((CLIENT_ASN, Hop.ASN, "%[var(txn.asn)]"), (CLIENT_RATE, Hop.RATE, "%[sc_http_req_rate(0)]"))
    return tuple(
        line("http-request", "set-header", header, value)
        for variable, header, value in told
        if policy.needs(variable, Phase.SERVE)
    )


def keep_rates(policy: Policy) -> tuple[Section, ...]:
    """Return the table in which the door counts the requests of each client."""
    if not _is_read(policy, CLIENT_RATE):
        return ()
    store = f"http_req_rate({RATE_SECONDS}s)"
    table = ("type", "ipv6", "size", _CLIENTS, "expire", f"{RATE_SECONDS}s", "store", store)
    return (Section(words=("backend", RATES), lines=(line("stick-table", *table),)),)


def _find_cookie(reads: Reads) -> tuple[str, str]:
    """Read a cookie by the cache's pattern: HAProxy's own `req.cook` ends a value at a comma."""
    pattern = rf"^(?:(?:.*;)? *{re.escape(reads.key)}=([^;]*).*|.*)$"
    return f"set-var(txn.cookie_{reads.word})", rf"req.fhdr(cookie,1),regsub('{pattern}','\1')"


def _find_size() -> list[Line]:
    return [
        line("http-request", "set-var(txn.size)", "int(0)"),
        line(
            *("http-request", "set-var(txn.size)", "req.hdr_val(content-length)"),
            *("if", "{", "req.hdr(content-length)", "-m", "found", "}"),
        ),
    ]


def _is_read(policy: Policy, variable: Variable) -> bool:
    return any(policy.needs(variable, phase) for phase in Phase)
