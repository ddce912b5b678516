"""What the service depends on besides the policy, and what is left to the ingress behind Fastly."""

from __future__ import annotations

from dataclasses import dataclass, replace

from handshake.core.hop_header import Hop
from handshake.edge.policy.actions import Decoy, Exceeded, Limit, Pass
from handshake.edge.policy.decoy_templates import find_places
from handshake.edge.policy.policy import EdgePolicy
from handshake.syntax.vcl import Act, act

DEFAULT_CAPACITY = 1000
"""Fastly's default limit of entries in one ACL or dictionary."""
HIGHEST_CAPACITY = 10_000
"""The highest limit that Fastly grants."""


@dataclass(frozen=True, kw_only=True)
class FastlyTarget:
    """The account's limits, how the campaign uses them, and what only the ingress can route."""

    capacity: int = DEFAULT_CAPACITY
    """Entries of one container."""
    shards: int = 1
    """Containers of one list."""
    mounts: tuple[str, ...] = ()
    """The paths at which sites are mounted."""


# What is left to the ingress behind Fastly, which has the same rules and knows the same client.

LONGEST_SECONDS = 60
"""Fastly's longest counting window."""


def defer_limits(policy: EdgePolicy) -> EdgePolicy:
    """Return the policy as Fastly can have it: what only the ingress can count goes to the ingress, each time."""
    rules = tuple(
        replace(rule, action=Pass(), reads=()) if _is_too_long(rule.action) else rule for rule in policy.rules
    )
    return replace(policy, rules=rules)


def defers_challenges(policy: EdgePolicy) -> bool:
    """Return whether the ingress challenges where Fastly cannot: then the ingress takes all solutions in."""
    return any(
        limit.then is Exceeded.CHALLENGE and _is_too_long(limit) for _, limit in policy.select_limits()
    )


def is_for_the_ingress(decoy: Decoy) -> bool:
    """Return whether only the ingress can give a decoy as it is meant: Fastly cannot wait, and remembers nothing."""
    texts = tuple(answer.body for answer in decoy.answers)
    has_headers = any(answer.headers for answer in decoy.answers)
    return bool(decoy.latency_ms or has_headers or find_places(texts))


def hand_to_ingress() -> tuple[Act, ...]:
    """Return vcl_recv's part of such a decoy: no later rule is asked, and nothing is cached."""
    return act(f'set req.http.{Hop.PASS} = "1"'), act("return(pass)")


def _is_too_long(action: object) -> bool:
    return isinstance(action, Limit) and action.seconds > LONGEST_SECONDS
