"""Switches and lists as HAProxy ACLs, which read the maps of the ingress."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from handshake.edge.ingress.compile.maps import FOREVER, SWITCHES_MAP, TEXT_KEY, name_list_map, name_return
from handshake.edge.policy.expression import IsListed
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.variables import EdgeDialect, Phase, Type
from handshake.syntax.haproxy import Line, line

# Switches and lists in HAProxy's words: the ACLs that read the ingress's maps.


def define_live_data(policy: EdgePolicy, maps: str) -> tuple[Line, ...]:
    """Return the ACLs of every switch, of every look that a rule takes into a list, and of every other list."""
    listings = dict.fromkeys(test for phase in Phase for test in policy.listings(phase))
    return (
        *(
            statement
            for its in policy.switches
            for statement in _define_switch(its.name, f"{maps}/{SWITCHES_MAP}")
        ),
        *(_define_lease(f"list.{test.label}", _look_up(test, maps)) for test in listings),
        *_hold_unread(policy, maps, {test.name for test in listings}),
    )


def _hold_unread(policy: EdgePolicy, maps: str, read: Collection[str]) -> Iterator[Line]:
    """Yield an ACL for each map that nothing reads: HAProxy holds only what a line names.

    Switches and lists change at any moment, so their maps are there before a rule looks at them.
    """
    if not policy.switches:
        yield _define_lease("unread.switches", _look_up_text("str(-)", f"{maps}/{SWITCHES_MAP}"))
    for name in (its.name for its in policy.lists if its.name not in read):
        yield _define_lease(f"unread.{name}", _look_up_client(f"{maps}/{name_list_map(name)}"))
    for name in (its.name for its in policy.text_lists if its.name not in read):
        yield _define_lease(f"unread.{name}", _look_up_text("str(-)", f"{maps}/{name_list_map(name)}"))


def _look_up(test: IsListed, maps: str) -> str:
    file = f"{maps}/{name_list_map(test.name)}"
    if test.reads.variable.type is Type.TEXT:
        return _look_up_text(f"{test.reads.spell(EdgeDialect.INGRESS)},{TEXT_KEY}", file)
    return _look_up_client(file)


def _look_up_text(key: str, file: str) -> str:
    return f"{key},map_str_int({file},0)"


def _look_up_client(file: str) -> str:
    return f"src,map_ip_int({file},0)"


def _define_switch(name: str, file: str) -> tuple[Line, ...]:
    """A switch is on while its lease lasts, and from its return on: ACLs of one name add up."""
    returns = f"str({name_return(name)}),map_str_int({file},{FOREVER}),sub(txn.now)"
    return (
        _define_lease(f"switch.{name}", _look_up_text(f"str({name})", file)),
        line("acl", f"switch.{name}", returns, "le", "0"),
    )


def _define_lease(name: str, lookup: str) -> Line:
    return line("acl", name, f"{lookup},sub(txn.now)", "gt", "0")
