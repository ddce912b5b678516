"""Which rules of a policy the log's `rule` may name."""

from __future__ import annotations

from handshake.edge.actions import Decoy
from handshake.edge.expression import IsListed, walk_tests
from handshake.edge.policy import Policy


def find_list_rules(policy: Policy, name: str) -> frozenset[str]:
    """Return the rules that look into a list."""
    return frozenset(
        rule.name
        for rule in policy.rules
        if any(isinstance(test, IsListed) and test.name == name for test in walk_tests(rule.condition))
    )


def find_decoy_rules(policy: Policy) -> frozenset[str]:
    """Return the rules that give decoys."""
    return frozenset(rule.name for rule in policy.rules if isinstance(rule.action, Decoy))
