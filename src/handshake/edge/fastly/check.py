"""What a policy asks of Fastly that Fastly cannot do: found before anything is applied, each with its reason."""

from __future__ import annotations

from collections.abc import Iterator

from handshake.core.problem import Location, Problem
from handshake.edge.actions import Respond
from handshake.edge.adjust import Headers
from handshake.edge.fastly.compile import compile_fastly
from handshake.edge.fastly.surroundings import FastlySurroundings
from handshake.edge.policy import Policy, Rule
from handshake.syntax.fastly_vcl import print_fastly

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
"""Fastly lets no VCL change these, beyond those that no policy may change."""


def check_fastly(policy: Policy, surroundings: FastlySurroundings) -> list[Problem]:
    """Return a problem for everything that the service could not do as the policy says."""
    problems = [problem for rule in policy.rules for problem in _check_rule(rule)]
    size = len(print_fastly(compile_fastly(policy, surroundings)).encode())
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
                what=f"Fastly lets nobody change {name}, and rule {rule.name} does",
                where=rule.where,
                hint="Leave it alone, or let the origin set it.",
            )


def _too_large(policy: Policy, size: int) -> Problem:
    first = policy.rules[0].where if policy.rules else Location(file="edge.toml")
    return Problem(
        check="fastly-too-large",
        what=f"the policy becomes {size:,} bytes of VCL, and Fastly takes {_LARGEST_BYTES:,}",
        where=first,
        hint="Move long bodies to pages of a site, and addresses from rules to lists.",
    )
