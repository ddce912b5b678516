"""The service's containers: ACLs and dictionaries, including the key for seals, and their declarations for linters."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from handshake.edge.fastly.compile.target import FastlyTarget, defer_limits, is_for_the_ingress
from handshake.edge.policy.actions import Decoy, Exceeded, Limit
from handshake.edge.policy.networks import parse_network
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.variables import Phase
from handshake.syntax.fastly_vcl import acl, quote, subroutine, table
from handshake.syntax.vcl import Act, Block, Declaration, act
from handshake.syntax.vcl import field as setting

SWITCHES = "hs_switches"
"""Switch -> when its lease ends."""
SEALS = "hs_seals"
"""Not readable: the key of decoys and challenges."""
SEAL_KEY = "key"


@dataclass(frozen=True, kw_only=True)
class Containers:
    """The names of all containers."""

    acls: tuple[str, ...]
    dictionaries: tuple[str, ...]
    private: tuple[str, ...]
    """Dictionaries that can be written but never read back."""


def plan_containers(policy: EdgePolicy, target: FastlyTarget) -> Containers:
    """Return the containers of what the policy's rules read; the same input gives the same names."""
    policy = defer_limits(policy)
    return Containers(
        acls=_shard_read(policy, (its.name for its in policy.lists), target),
        dictionaries=(
            *((SWITCHES,) if any(_reads_switch(policy, its.name) for its in policy.switches) else ()),
            *_shard_read(policy, (its.name for its in policy.text_lists), target),
        ),
        private=(SEALS,) if _needs_seals(policy) else (),
    )


def _shard_read(policy: EdgePolicy, lists: Iterable[str], target: FastlyTarget) -> tuple[str, ...]:
    read = (name for name in lists if any(policy.needs_list(name, phase) for phase in Phase))
    return tuple(shard for name in read for shard in name_shards(name, target))


def _reads_switch(policy: EdgePolicy, name: str) -> bool:
    return any(policy.needs_switch(name, phase) for phase in Phase)


def _needs_seals(policy: EdgePolicy) -> bool:
    return any(
        (isinstance(rule.action, Decoy) and not is_for_the_ingress(rule.action))
        or (isinstance(rule.action, Limit) and rule.action.then is Exceeded.CHALLENGE)
        for rule in policy.rules
    )


def name_shards(name: str, target: FastlyTarget) -> tuple[str, ...]:
    """Return the containers of one list."""
    return tuple(f"hs_list_{name}_{number}" for number in range(1, target.shards + 1))


# Keyed digests in Fastly's words, as the ingress makes them: one key, so that either knows the other's seals.


def seal(text: str) -> str:
    """Return the expression of a text's HMAC in hexadecimal capitals; the key is in a dictionary that nobody reads.

    The documentation shows digests with `0x` in front of them, and without.
    """
    key = f'table.lookup({SEALS}, "{SEAL_KEY}", "")'
    return f'std.toupper(regsub(digest.hmac_sha256_with_base64_key({key}, {text}), "^0x", ""))'


# What an account adds to the service's VCL, declared beside it: for linters and simulators, which know no account.

ORIGIN = "F_origin"
"""Fastly's name for the backend `origin`."""


@dataclass(frozen=True, kw_only=True)
class LinterAccount:
    """The containers' entries and the origin."""

    origin_host: str = "192.0.2.1"
    origin_port: int = 443
    entries: Mapping[str, Collection[str]] = field(default_factory=dict)
    """By ACL."""
    items: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By dictionary."""


def declare_account(containers: Containers, account: LinterAccount) -> tuple[Declaration, ...]:
    """Return the declarations that Fastly generates for an account."""
    return (
        Block(heading=f"backend {ORIGIN}", body=_origin(account)),
        # What the macro stands for: the only backend, or its shield.
        subroutine("recv", act(f"set req.backend = {ORIGIN}")),
        *(_declare_acl(name, account.entries.get(name, ())) for name in containers.acls),
        *(
            table(name, account.items.get(name, {}))
            for name in (*containers.dictionaries, *containers.private)
        ),
    )


def _origin(account: LinterAccount) -> tuple[Act, ...]:
    return setting("host", quote(account.origin_host)), setting("port", quote(str(account.origin_port)))


def _declare_acl(name: str, entries: Collection[str]) -> Block:
    networks = [parse_network(entry) for entry in entries]
    return acl(name, ((str(its.network_address), its.prefixlen) for its in networks))
