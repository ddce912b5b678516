"""The policy -> the whole VCL of a Fastly service, and declarations of its containers for whoever runs it elsewhere."""

from __future__ import annotations

from collections.abc import Mapping

from handshake.edge.fastly.answers import answer_errors
from handshake.edge.fastly.caching import fetch, hash_request, look_up
from handshake.edge.fastly.challenges import accept_solutions
from handshake.edge.fastly.conditions import NOW
from handshake.edge.fastly.deferred import defer_limits, defers_challenges
from handshake.edge.fastly.first_hop import FIRST_HOP, identify_client, tell_origin
from handshake.edge.fastly.rules import FastlyRule, compile_rules
from handshake.edge.fastly.sites import find_sites
from handshake.edge.fastly.strictness import refuse_malformed
from handshake.edge.fastly.surroundings import FastlySurroundings
from handshake.edge.phase import Phase
from handshake.edge.policy import Policy
from handshake.edge.vcl.tags import INWARD
from handshake.syntax.fastly_vcl import subroutine
from handshake.syntax.vcl import Act, Block, Declaration, Statement, act, print_declarations, sub, when

_LOCALS = {
    NOW: "INTEGER",
    "var.count": "INTEGER",
    "var.hour": "INTEGER",
    "var.key": "STRING",
    "var.text": "STRING",
    "var.rule": "STRING",
    "var.until": "STRING",
    "var.given": "STRING",
    "var.wanted": "STRING",
    "var.is_passed": "BOOL",
}


def compile_fastly(policy: Policy, surroundings: FastlySurroundings) -> tuple[Declaration, ...]:
    """Return the VCL's declarations; the same input gives the same text."""
    solutions = () if defers_challenges(policy) else accept_solutions(policy)
    policy = defer_limits(policy)
    rules = compile_rules(policy, surroundings)
    return (
        *(block for rule in rules for block in rule.declared),
        *identify_client(policy),
        refuse_malformed(),
        _try_rules(solutions, rules, find_sites(surroundings)),
        _receive(),
        hash_request(),
        subroutine("hit", when("!obj.cacheable", act("return(pass)")), act("return(deliver)")),
        subroutine(
            "miss",
            when("!req.backend.healthy && stale.exists", act("return(deliver_stale)")),
            *tell_origin(),
            act("return(fetch)"),
        ),
        subroutine("pass", *tell_origin(), act("return(pass)")),
        fetch(policy, has_sites=bool(surroundings.mounts)),
        answer_errors(policy, tuple(part for rule in rules for part in rule.answer)),
        _deliver(rules),
        subroutine("log"),
    )


def _try_rules(
    solutions: tuple[Statement, ...], rules: tuple[FastlyRule, ...], find_sites: tuple[Statement, ...]
) -> Block:
    body = (*solutions, *(rule.test for rule in rules), *find_sites)
    clock = act(f"set {NOW} = std.atoi(now.sec)")
    return sub("hs_rules_recv", *_declare(_LOCALS, (clock, *body)), clock, *body)


def _receive() -> Block:
    return subroutine(
        "recv",
        when(
            'req.method == "FASTLYPURGE"',
            act('set req.http.Fastly-Purge-Requires-Auth = "1"'),
            act("return(lookup)"),
        ),
        when(
            FIRST_HOP,
            act("call hs_strict_recv"),
            act("set req.http.Host = std.tolower(req.http.Host)"),
            act("call hs_identify_recv"),
            act("call hs_rules_recv"),
        ),
        *look_up(),
    )


def _deliver(rules: tuple[FastlyRule, ...]) -> Block:
    # The answer passes the cache's rules first, then the door's: the later one wins.
    finish = tuple(
        part
        for phase in reversed(list(Phase))
        for rule in rules
        if rule.phase is phase
        for part in rule.finish
    )
    return subroutine(
        "deliver",
        *_declare(_LOCALS, finish),
        when(
            "fastly.ff.visits_this_service == 0",
            *(
                act(f"unset resp.http.{name}")
                for name in (
                    "Via",
                    "X-Varnish",
                    "Server",
                    "X-Served-By",
                    "X-Cache",
                    "X-Cache-Hits",
                    "X-Timer",
                    *INWARD,
                )
            ),
            *finish,
        ),
        act("return(deliver)"),
    )


def _declare(types: Mapping[str, str], body: tuple[Statement, ...]) -> tuple[Act, ...]:
    """Declare the local variables that a body speaks of: Fastly's linter frowns on the others."""
    text = print_declarations((sub("x", *body),))
    return tuple(act(f"declare local {name} {kind}") for name, kind in types.items() if name in text)
