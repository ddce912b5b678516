"""Compiles the policy into the whole VCL of a Fastly service, and reports what Fastly cannot do."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from handshake.core.problem import Location, Problem
from handshake.edge.cache.compile.tags import INWARD
from handshake.edge.fastly.compile.answers import answer_errors
from handshake.edge.fastly.compile.caching import fetch, find_sites, hash_request, look_up
from handshake.edge.fastly.compile.challenges import accept_solutions
from handshake.edge.fastly.compile.conditions import NOW
from handshake.edge.fastly.compile.first_hop import FIRST_HOP, identify_client, refuse_malformed, tell_origin
from handshake.edge.fastly.compile.rules import FastlyRule, compile_rules
from handshake.edge.fastly.compile.target import FastlyTarget, defer_limits, defers_challenges
from handshake.edge.policy.actions import Headers, Respond
from handshake.edge.policy.policy import EdgePolicy, Rule
from handshake.edge.policy.variables import Phase
from handshake.syntax.fastly_vcl import print_fastly, subroutine
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


def compile_fastly(policy: EdgePolicy, target: FastlyTarget) -> tuple[Declaration, ...]:
    """Return the VCL's declarations; the same input gives the same text."""
    solutions = () if defers_challenges(policy) else accept_solutions(policy)
    policy = defer_limits(policy)
    rules = compile_rules(policy, target)
    return (
        *(block for rule in rules for block in rule.declared),
        *identify_client(policy),
        refuse_malformed(),
        _try_rules(solutions, rules, find_sites(target)),
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
        fetch(policy, has_sites=bool(target.mounts)),
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
    # The answer passes the cache's rules first, then the ingress's: the later one wins.
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


# What a policy asks of Fastly that Fastly cannot do: found before anything is applied, each with its reason.

_LARGEST_BYTES = 1_000_000
_PROTECTED = frozenset(
    (
        "content-range",
        "expect",
        "fastly-ff",
        "proxy-authenticate",
        "proxy-authorization",
        "trailer",
        "upgrade",
    )
)
"""Fastly does not allow VCL to change these, besides those that no policy may change."""


def check_fastly(policy: EdgePolicy, target: FastlyTarget) -> list[Problem]:
    """Return a problem for everything that the service could not do as the policy says."""
    problems = [problem for rule in policy.rules for problem in _check_rule(rule)]
    size = len(print_fastly(compile_fastly(policy, target)).encode())
    if size > _LARGEST_BYTES:
        problems.append(_too_large(policy, size))
    return problems


def _check_rule(rule: Rule) -> Iterator[Problem]:
    match rule.action:
        case Headers(request=request, response=response):
            names = [*request.set, *request.remove, *response.set, *response.remove]
        case Respond(headers=headers):
            names = list(headers)
        case _:
            names = []
    for name in names:
        if name.lower() in _PROTECTED:
            yield Problem(
                check="fastly-protected-header",
                what=f"rule {rule.name} changes {name}, which Fastly does not allow",
                where=rule.where,
                hint="Remove the change, or let the origin set the header.",
            )


def _too_large(policy: EdgePolicy, size: int) -> Problem:
    first = policy.rules[0].where if policy.rules else Location(file="edge.toml")
    return Problem(
        check="fastly-too-large",
        what=f"the policy becomes {size:,} bytes of VCL; Fastly's limit is {_LARGEST_BYTES:,}",
        where=first,
        hint="Move long bodies to pages of a site, and addresses from rules to lists.",
    )
