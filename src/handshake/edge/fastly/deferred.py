"""What is left to the door behind Fastly, which has the same rules and knows the same client."""

from __future__ import annotations

from dataclasses import replace

from handshake.core.hop_header import Hop
from handshake.edge.actions import Decoy
from handshake.edge.adjust import Pass
from handshake.edge.decoy_text import find_places
from handshake.edge.limit import Exceeded, Limit
from handshake.edge.policy import Policy
from handshake.syntax.vcl import Act, act

LONGEST_SECONDS = 60
"""Fastly counts no further back."""


def defer_limits(policy: Policy) -> Policy:
    """Return the policy as Fastly can have it: what only the door can count goes to the door, each time."""
    rules = tuple(
        replace(rule, action=Pass(), reads=()) if _is_too_long(rule.action) else rule for rule in policy.rules
    )
    return replace(policy, rules=rules)


def defers_challenges(policy: Policy) -> bool:
    """Tell whether the door challenges where Fastly cannot: then the door takes all solutions in."""
    return any(
        limit.then is Exceeded.CHALLENGE and _is_too_long(limit) for _, limit in policy.select_limits()
    )


def is_for_the_door(decoy: Decoy) -> bool:
    """Tell whether only the door can give a decoy as it is meant: Fastly cannot wait, and remembers nothing."""
    texts = tuple(answer.body for answer in decoy.answers)
    has_headers = any(answer.headers for answer in decoy.answers)
    return bool(decoy.latency_ms or has_headers or find_places(texts))


def hand_to_door() -> tuple[Act, ...]:
    """Return vcl_recv's part of such a decoy: no later rule is asked, and nothing is cached."""
    return act(f'set req.http.{Hop.PASS} = "1"'), act("return(pass)")


def _is_too_long(action: object) -> bool:
    return isinstance(action, Limit) and action.seconds > LONGEST_SECONDS
