"""What an account adds to the service's VCL, declared beside it: for linters and simulators, which know no account."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field

from handshake.edge.fastly.containers import Containers
from handshake.edge.network import parse_network
from handshake.syntax.fastly_vcl import acl, quote, subroutine, table
from handshake.syntax.vcl import Act, Block, Declaration, act
from handshake.syntax.vcl import field as setting

ORIGIN = "F_origin"
"""Fastly's name for the backend `origin`."""


@dataclass(frozen=True, kw_only=True)
class Account:
    """The containers' entries and the origin."""

    origin_host: str = "192.0.2.1"
    origin_port: int = 443
    entries: Mapping[str, Collection[str]] = field(default_factory=dict)
    """By ACL."""
    items: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    """By dictionary."""


def declare_account(containers: Containers, account: Account) -> tuple[Declaration, ...]:
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


def _origin(account: Account) -> tuple[Act, ...]:
    return setting("host", quote(account.origin_host)), setting("port", quote(str(account.origin_port)))


def _declare_acl(name: str, entries: Collection[str]) -> Block:
    networks = [parse_network(entry) for entry in entries]
    return acl(name, ((str(its.network_address), its.prefixlen) for its in networks))
