"""Who is this? The client's address and country, and the door's word about them to the cache."""

from __future__ import annotations

from handshake.core.hop_header import Hop
from handshake.edge.door.conditions import compile_condition, in_rows
from handshake.edge.door.maps import COUNTRIES
from handshake.edge.expression import IsListed, SwitchIsOn
from handshake.edge.identity import NAMES, PREFIXES
from handshake.edge.network import print_network
from handshake.edge.phase import Phase
from handshake.edge.policy import Policy
from handshake.edge.variables import UNKNOWN_COUNTRY
from handshake.syntax.haproxy import Line, line

_CLAIMS = f"^({'|'.join((*PREFIXES, *(f'{name}$' for name in NAMES)))})"
"""One pattern: with a line for each name, every header of every request would be walked over two dozen times."""


def identify_client(policy: Policy, maps: str) -> tuple[Line, ...]:
    """Return the lines that settle the client's address, then take off whatever else claims to know it."""
    return (
        *_believe_trusted_proxies(policy),
        line("http-request", "del-header", _CLAIMS, "-m", "reg"),
        line("http-request", "set-var(txn.country)", f"src,map_ip({maps}/{COUNTRIES},{UNKNOWN_COUNTRY})"),
    )


def remember_client(policy: Policy) -> tuple[Line, ...]:
    """Return the line that spells the client's address once for all requests of a connection."""
    if policy.trusted_proxies:
        return ()
    return (line("tcp-request", "session", "set-var(sess.client)", "src,concat()"),)


def spell_client(policy: Policy) -> str:
    """Return the client's address as a log format; behind a trusted proxy, each request has its own."""
    return "%[src]" if policy.trusted_proxies else "%[var(sess.client)]"


def expect_proxy_protocol(policy: Policy) -> tuple[Line, ...]:
    """Return the line that makes balancers say first, in PROXY protocol, whom they speak for.

    It is asked of whoever is named and of nobody else: so nobody else is believed, and who is named cannot leave it out.
    """
    networks = [print_network(network) for network in policy.proxy_protocol]
    if not networks:
        return ()
    expect = ("tcp-request", "connection", "expect-proxy", "layer4", "if", "from-balancer")
    return (*in_rows(("acl", "from-balancer", "src"), networks), line(*expect))


def tell_cache(policy: Policy) -> tuple[Line, ...]:
    """Return the lines that pass the door's findings on; only those that a rule of the cache reads."""
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


def _believe_trusted_proxies(policy: Policy) -> tuple[Line, ...]:
    if not policy.trusted_proxies:
        return ()
    networks = [print_network(network) for network in policy.trusted_proxies]
    return (
        *in_rows(("acl", "from-trusted-proxy", "src"), networks),
        # Only the last entry is the proxy's own word; those before it are the client's.
        line("http-request", "set-src", "req.hdr(x-forwarded-for,-1)", "if", "from-trusted-proxy"),
    )


def _tell(policy: Policy, header: str, name: str, finding: SwitchIsOn | IsListed) -> tuple[Line, ...]:
    # No rule's name holds a dot, so these ACLs are nobody else's.
    condition = compile_condition(policy, finding, f"told.{name}")
    return *condition.acls, line("http-request", "add-header", header, name, *condition.words)
