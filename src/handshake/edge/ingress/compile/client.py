"""What the ingress determines about a request before any rule: the client, and only what rules read."""

from __future__ import annotations

import re

from handshake.core.hop_header import Hop
from handshake.edge.ingress.compile.conditions import compile_condition, in_rows
from handshake.edge.ingress.compile.maps import COUNTRIES, NETWORKS
from handshake.edge.policy.expression import IsListed, SwitchIsOn, VariableRef
from handshake.edge.policy.networks import print_network
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.request import NAMES, PREFIXES
from handshake.edge.policy.variables import (
    CLIENT_ASN,
    CLIENT_RATE,
    RATE_SECONDS,
    REQUEST_COOKIE,
    REQUEST_SIZE,
    UNKNOWN_COUNTRY,
    UNKNOWN_NETWORK,
    EdgeDialect,
    Phase,
    Variable,
)
from handshake.syntax.haproxy import Line, Section, line

_CLAIMS = f"^({'|'.join((*PREFIXES, *(f'{name}$' for name in NAMES)))})"
"""One pattern: a line for each name would walk over every request's headers two dozen times."""


def identify_client(policy: EdgePolicy, maps: str) -> tuple[Line, ...]:
    """Return the lines that settle the client's address, then take off whatever else claims to know it."""
    return (
        *_believe_trusted_proxies(policy),
        line("http-request", "del-header", _CLAIMS, "-m", "reg"),
        line("http-request", "set-var(txn.country)", f"src,map_ip({maps}/{COUNTRIES},{UNKNOWN_COUNTRY})"),
    )


def remember_client(policy: EdgePolicy) -> tuple[Line, ...]:
    """Return the line that spells the client's address once for all requests of a connection."""
    if policy.trusted_proxies:
        return ()
    return (line("tcp-request", "session", "set-var(sess.client)", "src,concat()"),)


def spell_client(policy: EdgePolicy) -> str:
    """Return the client's address as a log format; behind a trusted proxy, each request has its own."""
    return "%[src]" if policy.trusted_proxies else "%[var(sess.client)]"


def expect_proxy_protocol(policy: EdgePolicy) -> tuple[Line, ...]:
    """Return the line that makes balancers say first, in PROXY protocol, whom they speak for.

    It is asked of whoever is named and of nobody else: so nobody else is believed, and who is named cannot leave it out.
    """
    networks = [print_network(network) for network in policy.proxy_protocol]
    if not networks:
        return ()
    expect = ("tcp-request", "connection", "expect-proxy", "layer4", "if", "from-balancer")
    return (*in_rows(("acl", "from-balancer", "src"), networks), line(*expect))


def tell_cache(policy: EdgePolicy) -> tuple[Line, ...]:
    """Return the lines that pass the ingress's findings on; only those that a rule of the cache reads."""
    return (
        # Added, not set: neither a client's header of such a name nor a rule's gets as far as here.
        line("http-request", "add-header", Hop.CLIENT, spell_client(policy)),
        line("http-request", "add-header", Hop.COUNTRY, "%[var(txn.country)]"),
        line("http-request", "set-header", "X-Request-Id", "%[unique-id]"),
        line("http-request", "set-header", "X-Forwarded-Proto", "%[ssl_fc,iif(https,http)]"),
        *(
            statement
            for its in policy.switches
            if policy.needs_switch(its.name, Phase.SERVE)
            for statement in _tell(policy, Hop.SWITCHES, its.name, SwitchIsOn(name=its.name))
        ),
        *(
            statement
            for test in policy.listings(Phase.SERVE)
            for statement in _tell(policy, Hop.LISTS, test.label, test)
        ),
    )


def _believe_trusted_proxies(policy: EdgePolicy) -> tuple[Line, ...]:
    if not policy.trusted_proxies:
        return ()
    networks = [print_network(network) for network in policy.trusted_proxies]
    return (
        *in_rows(("acl", "from-trusted-proxy", "src"), networks),
        # Only the last entry is the proxy's own word; those before it are the client's.
        line("http-request", "set-src", "req.hdr(x-forwarded-for,-1)", "if", "from-trusted-proxy"),
    )


def _tell(policy: EdgePolicy, header: str, name: str, finding: SwitchIsOn | IsListed) -> tuple[Line, ...]:
    # No rule's name holds a dot, so these ACLs are nobody else's.
    condition = compile_condition(policy, finding, f"told.{name}")
    return *condition.acls, line("http-request", "add-header", header, name, *condition.words)


# What the ingress finds out about a request before any rule is tried: only what a rule reads.

RATES = "client-rates"
_HOST = "var(txn.host)"
_CLIENTS = "200k"


def find_out(policy: EdgePolicy, maps: str) -> tuple[Line, ...]:
    """Return the lines that find out what conditions read and HAProxy does not know by itself."""
    lines: list[Line] = []
    if any(reads.spell(EdgeDialect.INGRESS) == _HOST for reads in _looked_at(policy)):
        lines.append(line("http-request", "set-var(txn.host)", "req.fhdr(host,1),host_only,lower"))
    if _is_read(policy, CLIENT_ASN):
        lookup = f"src,map_ip_int({maps}/{NETWORKS},{UNKNOWN_NETWORK})"
        lines.append(line("http-request", "set-var(txn.asn)", lookup))
    if _is_read(policy, CLIENT_RATE):
        lines.append(line("http-request", "track-sc0", "src", "table", RATES))
    if policy.needs(REQUEST_SIZE, Phase.ADMIT):
        lines += _find_size()
    return *lines, *find_cookies(policy)


def find_cookies(policy: EdgePolicy, *condition: str) -> tuple[Line, ...]:
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


def _looked_at(policy: EdgePolicy) -> dict[VariableRef, None]:
    """Return what the ingress reads: for its own rules, and in lists for those of the cache."""
    listings = (listing.reads for listing in policy.listings(Phase.SERVE))
    return dict.fromkeys((*policy.readings(Phase.ADMIT), *listings))


def tell_findings(policy: EdgePolicy) -> tuple[Line, ...]:
    """Return the lines that tell the cache what it cannot find out by itself."""
    told = ((CLIENT_ASN, Hop.ASN, "%[var(txn.asn)]"), (CLIENT_RATE, Hop.RATE, "%[sc_http_req_rate(0)]"))
    return tuple(
        line("http-request", "set-header", header, value)
        for variable, header, value in told
        if policy.needs(variable, Phase.SERVE)
    )


def keep_rates(policy: EdgePolicy) -> tuple[Section, ...]:
    """Return the table in which the ingress counts the requests of each client."""
    if not _is_read(policy, CLIENT_RATE):
        return ()
    store = f"http_req_rate({RATE_SECONDS}s)"
    table = ("type", "ipv6", "size", _CLIENTS, "expire", f"{RATE_SECONDS}s", "store", store)
    return (Section(words=("backend", RATES), lines=(line("stick-table", *table),)),)


def _find_cookie(reads: VariableRef) -> tuple[str, str]:
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


def _is_read(policy: EdgePolicy, variable: Variable) -> bool:
    return any(policy.needs(variable, phase) for phase in Phase)
