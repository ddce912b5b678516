"""The containers of the service: ACLs and dictionaries, which the VCL names and whose entries need no release."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from handshake.edge.actions import Decoy
from handshake.edge.fastly.deferred import defer_limits, is_for_the_door
from handshake.edge.fastly.surroundings import FastlySurroundings
from handshake.edge.limit import Exceeded, Limit
from handshake.edge.phase import Phase
from handshake.edge.policy import Policy

SWITCHES = "hs_switches"
"""Switch -> when its lease ends."""
SEALS = "hs_seals"
"""What nobody may read: the key of decoys and challenges."""
SEAL_KEY = "key"


@dataclass(frozen=True, kw_only=True)
class Containers:
    """The names of all containers."""

    acls: tuple[str, ...]
    dictionaries: tuple[str, ...]
    private: tuple[str, ...]
    """Dictionaries that can be written and never read back."""


def plan_containers(policy: Policy, surroundings: FastlySurroundings) -> Containers:
    """Return the containers of what the policy's rules read; the same input gives the same names."""
    policy = defer_limits(policy)
    return Containers(
        acls=_shard_read(policy, (its.name for its in policy.lists), surroundings),
        dictionaries=(
            *((SWITCHES,) if any(_reads_switch(policy, its.name) for its in policy.switches) else ()),
            *_shard_read(policy, (its.name for its in policy.text_lists), surroundings),
        ),
        private=(SEALS,) if _needs_seals(policy) else (),
    )


def _shard_read(policy: Policy, lists: Iterable[str], surroundings: FastlySurroundings) -> tuple[str, ...]:
    read = (name for name in lists if any(policy.needs_list(name, phase) for phase in Phase))
    return tuple(shard for name in read for shard in name_shards(name, surroundings))


def _reads_switch(policy: Policy, name: str) -> bool:
    return any(policy.needs_switch(name, phase) for phase in Phase)


def _needs_seals(policy: Policy) -> bool:
    return any(
        (isinstance(rule.action, Decoy) and not is_for_the_door(rule.action))
        or (isinstance(rule.action, Limit) and rule.action.then is Exceeded.CHALLENGE)
        for rule in policy.rules
    )


def name_shards(name: str, surroundings: FastlySurroundings) -> tuple[str, ...]:
    """Return the containers of one list."""
    return tuple(f"hs_list_{name}_{number}" for number in range(1, surroundings.shards + 1))
