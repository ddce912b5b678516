"""Live data -> the door's maps: what operators set, over what the policy starts with."""

from __future__ import annotations

from collections.abc import Mapping
from ipaddress import ip_network

from handshake.catalog.entry import Entry, Snapshot
from handshake.catalog.keys import LISTS
from handshake.control.agent.door import DoorMap, list_map, switches_map
from handshake.control.lists import decode_heads, fold_deltas
from handshake.control.switches import decode_switches, switches_revision
from handshake.edge.door.maps import FOREVER, SWITCHES, name_list_map
from handshake.edge.network import print_network
from handshake.edge.policy import AddressList, Policy


def wanted_maps(policy: Policy, switches: Snapshot, lists: Snapshot, now: float) -> tuple[DoorMap, ...]:
    """Return every map that the door shall hold at a moment."""
    heads = decode_heads(lists.entries, LISTS)
    revisions = {name: head.revision for name, head in heads.items()}
    return (
        _switches(policy, switches, now),
        *(_list(its, lists.entries, revisions.get(its.name, 0), now) for its in policy.lists),
    )


def _switches(policy: Policy, snapshot: Snapshot, now: float) -> DoorMap:
    set_now = decode_switches(snapshot.entries)
    entries: dict[str, str] = {}
    for switch in policy.switches:
        setting = set_now.get(switch.name)
        if setting is None or (setting.until is not None and setting.until <= now):
            is_on, until = (setting.was_on if setting else switch.is_on), None
        else:
            is_on, until = setting.is_on, setting.until
        if is_on:
            entries[switch.name] = str(int(until) if until is not None else FOREVER)
    return switches_map(SWITCHES, entries, switches_revision(snapshot.entries))


def _list(its: AddressList, entries: tuple[Entry, ...], revision: int, now: float) -> DoorMap:
    prefix = f"{LISTS}{its.name}/"
    own = tuple(entry for entry in entries if entry.key.startswith(prefix))
    held: dict[str, str] = {print_network(network): str(FOREVER) for network in its.entries}
    held.update(_leases(own, now))
    return list_map(name_list_map(its.name), its.name, held, revision)


def _leases(entries: tuple[Entry, ...], now: float) -> Mapping[str, str]:
    leases = fold_deltas(entries, now)
    return {print_network(ip_network(delta.network)): str(int(delta.until)) for delta in leases.values()}
