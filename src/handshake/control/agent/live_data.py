"""Live data -> the door's maps: what operators set, over what the policy starts with."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from handshake.catalog.entry import Snapshot
from handshake.control.agent.door_maps import DoorMap, switches_map
from handshake.control.agent.list_file import ListFile
from handshake.control.agent.list_follower import Followed, ListFollower
from handshake.control.lists.reader import decode_heads
from handshake.control.lists.word import ListHead
from handshake.control.switches import SwitchSetting, decode_switches, switches_revision
from handshake.core.errors import HandshakeError
from handshake.edge.declarations import Switch
from handshake.edge.door.maps import FOREVER, SWITCHES, name_list_map, name_return
from handshake.edge.lists.shape import ListShape, shape_lists
from handshake.edge.policy import Policy


def wanted_switches(policy: Policy, snapshot: Snapshot, now: float) -> DoorMap:
    """Return what the map of switches shall hold at a moment."""
    settings = decode_switches(snapshot.entries)
    entries: dict[str, str] = {}
    for switch in policy.switches:
        entries.update(_print_switch(switch, settings.get(switch.name), now))
    return switches_map(SWITCHES, entries, switches_revision(snapshot.entries))


class FollowedLists:
    """The map files of every list."""

    def __init__(self, maps: Path, make: Callable[[ListFile], ListFollower]) -> None:
        self._maps = maps
        self._make = make
        self._followers: dict[str, ListFollower] = {}
        self._failed: list[HandshakeError] = []

    def follow(self, policy: Policy, heads: Snapshot, now: float) -> tuple[Followed, ...]:
        """Bring every list's file to its head; what cannot be had now stays as it is: see `demand_all`."""
        known = decode_heads(heads.entries)
        self._failed = []
        return tuple(
            followed
            for shape in shape_lists(policy)
            for followed in self._follow(shape, known.get(shape.name), now)
        )

    def demand_all(self) -> None:
        """Raise what kept a list from being followed, once everything else is done."""
        if self._failed:
            raise self._failed[0]

    def _follow(self, shape: ListShape, head: ListHead | None, now: float) -> Iterator[Followed]:
        if shape.name not in self._followers:
            self._followers[shape.name] = self._make(
                ListFile(self._maps / name_list_map(shape.name), shape.name)
            )
        follower = self._followers[shape.name]
        try:
            yield follower.follow(shape, head, now)
        except HandshakeError as error:
            follower.prepare(shape)
            self._failed.append(error)


def _print_switch(switch: Switch, setting: SwitchSetting | None, now: float) -> Mapping[str, str]:
    """A switch that is on has a lease; one that is off for a time has the moment of its return."""
    if setting is None:
        return {switch.name: str(FOREVER)} if switch.is_on else {}
    if setting.until is None:
        return {switch.name: str(FOREVER)} if setting.is_on else {}
    if setting.until <= now:
        return {switch.name: str(FOREVER)} if setting.was_on else {}
    until = str(int(setting.until))
    entries = {switch.name: until} if setting.is_on else {}
    return {**entries, name_return(switch.name): until} if setting.was_on else entries
