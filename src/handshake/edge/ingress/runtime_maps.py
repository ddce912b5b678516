"""The maps of the running ingress: updated from switches and lists, and read back before they are acknowledged."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from handshake.catalog.entries import Snapshot
from handshake.core.errors import HandshakeError
from handshake.edge.ingress.compile.maps import FOREVER, SWITCHES_MAP, name_list_map, name_return
from handshake.edge.lists.changes import ListHead
from handshake.edge.lists.entries import ListShape, shape_lists
from handshake.edge.lists.map_file import Followed, KeyChange, ListFile, ListFollower
from handshake.edge.lists.reader import decode_heads
from handshake.edge.lists.switches import SwitchSetting, decode_switches, switches_revision
from handshake.edge.policy.declarations import Switch
from handshake.edge.policy.policy import EdgePolicy
from handshake.pointers.acks import SWITCHES_SUBJECT, list_subject

# What a node's agent asks of its running ingress.


class Ingress(Protocol):
    """A running ingress on this node.

    UnavailableError where the program does not answer, RefusedError where it does not accept.
    """

    def ensure(self, text: str) -> bool:
        """Start the program with this configuration unless it runs; True if it was started now."""
        ...

    def digest(self) -> str:
        """Return what the running worker says it serves."""
        ...

    def reconfigure(self, text: str, digest: str) -> None:
        """Make it serve another configuration without losing a request; the old one stays where it is refused."""
        ...

    def show_map(self, name: str) -> dict[str, str]:
        """Return what a map of the running program holds."""
        ...

    def process(self) -> int:
        """Return which worker answers: another one has read the map files again."""
        ...

    def count(self, name: str) -> int:
        """Return how many entries a map of the running program has; at once, whatever their number."""
        ...

    def look_up(self, name: str, key: str) -> tuple[str, str] | None:
        """Return key and value of the entry by which the running program judges a request; None if it finds none."""
        ...

    def add(self, name: str, key: str, value: str) -> None:
        """Give a value to a key that is known to have none; at once, whatever the map's size."""
        ...

    def put(self, name: str, key: str, value: str) -> None:
        """Give one key of a map a value, whether or not it has one."""
        ...

    def remove(self, name: str, key: str) -> None:
        """Forget one key of a map."""
        ...

    def replace_map(self, name: str, entries: Iterable[tuple[str, str]]) -> None:
        """Replace a whole map in one step."""
        ...

    def keep_map(self, name: str, entries: Mapping[str, str]) -> None:
        """Leave a map where the next start or reload finds it; nothing that runs changes."""
        ...


_FEW = 64
"""Up to so many changed entries are sent one by one; more replace the map in one step."""


@dataclass(frozen=True, kw_only=True)
class IngressMap:
    """What one map should hold, and which subject and revision that makes served."""

    name: str
    entries: Mapping[str, str]
    subject: str
    revision: int
    """0 if it was never changed: then it holds only the policy's seed, and nothing is acknowledged."""


@dataclass(frozen=True, kw_only=True)
class MapUpdate:
    """The result of one map."""

    name: str
    subject: str
    revision: int
    is_changed: bool
    proof: str
    """What the running program reported; empty if its content is not as it should be."""


class IngressMaps:
    """The maps of this node's ingress. A small one is read back whole, a list of a million by what changed."""

    def __init__(self, ingress: Ingress) -> None:
        self._ingress = ingress
        self._kept: dict[str, Mapping[str, str]] = {}
        self._read_back: dict[str, Mapping[str, str]] = {}
        self._trusted: set[str] = set()
        """Lists whose map is known to match the file."""
        self._has_read_files = False

    def distrust(self, *, has_read_files: bool) -> None:
        """Forget what was read back: another worker answers now."""
        self._read_back.clear()
        self._trusted.clear()
        self._has_read_files = has_read_files

    def keep(self, wanted: IngressMap) -> None:
        """Leave a map where the next start finds it, before anything that runs changes."""
        if self._kept.get(wanted.name) != wanted.entries:
            self._ingress.keep_map(wanted.name, wanted.entries)
            self._kept[wanted.name] = dict(wanted.entries)

    def follow(self, wanted: IngressMap) -> MapUpdate:
        """Bring a small map to what it should hold."""
        held = self._read_back.get(wanted.name)
        if held is None:
            held = self._ingress.show_map(wanted.name)
        is_changed = held != wanted.entries
        if is_changed:
            self._change(wanted.name, wanted.entries, held)
            held = self._ingress.show_map(wanted.name)
        self._read_back[wanted.name] = held
        proof = f"{wanted.name} holds {len(held)} entries" if held == wanted.entries else ""
        return MapUpdate(
            name=wanted.name,
            subject=wanted.subject,
            revision=wanted.revision,
            is_changed=is_changed,
            proof=proof,
        )

    def follow_list(self, followed: Followed) -> MapUpdate:
        """Bring a list's map to what its file holds, which is ahead: an ingress that starts now loads that."""
        file = followed.file
        is_trusted = file.name in self._trusted
        self._trusted.discard(file.name)
        if followed.is_whole:
            self._replace(file)
            is_changed = True
        elif is_trusted:
            is_changed = self._send(file, followed.changes)
        else:
            is_changed = self._compare(file)
        count = self._ingress.count(file.name)
        if count == file.count:
            self._trusted.add(file.name)
        return MapUpdate(
            name=file.name,
            subject=list_subject(followed.file.list_name),
            revision=followed.revision,
            is_changed=is_changed,
            proof=f"{file.name} holds {count} entries" if count == file.count else "",
        )

    def _send(self, file: ListFile, changes: Iterable[KeyChange]) -> bool:
        """Send what changed and look each of it up; where that shows something else, compare everything."""
        sent = list(changes)
        if len(sent) > _FEW:
            self._replace(file)
            return True
        for change in sent:
            self._send_one(file.name, change)
        if not all(self._is_held(file.name, change) for change in sent):
            self._compare(file)
        return bool(sent)

    def _send_one(self, name: str, change: KeyChange) -> None:
        if not change.until:
            self._ingress.remove(name, change.key)
        elif change.was_there:
            self._ingress.put(name, change.key, str(change.until))
        else:
            self._ingress.add(name, change.key, str(change.until))

    def _is_held(self, name: str, change: KeyChange) -> bool:
        found = self._ingress.look_up(name, change.key)
        if change.until:
            return found == (change.key, str(change.until))
        return found is None or found[0] != change.key

    def _compare(self, file: ListFile) -> bool:
        """Compare a map with its file, whole, and mend it; True if it had to be mended."""
        if self._has_read_files and self._ingress.count(file.name) == file.count:
            return False
        wanted = {key: str(until) for key, until in file.leases()}
        held = self._ingress.show_map(file.name)
        if held == wanted and self._ingress.count(file.name) == len(wanted):
            return False
        self._change(file.name, wanted, held)
        if self._ingress.show_map(file.name) != wanted or self._ingress.count(file.name) != len(wanted):
            self._replace(file)
        return True

    def _replace(self, file: ListFile) -> None:
        self._ingress.replace_map(file.name, ((key, str(until)) for key, until in file.leases()))

    def _change(self, name: str, wanted: Mapping[str, str], held: Mapping[str, str]) -> None:
        gone = held.keys() - wanted.keys()
        new = {key: value for key, value in wanted.items() if held.get(key) != value}
        if len(gone) + len(new) > _FEW:
            self._ingress.replace_map(name, wanted.items())
            return
        for key, value in new.items():
            self._ingress.put(name, key, value)
        for key in gone:
            self._ingress.remove(name, key)


def switches_map(name: str, entries: Mapping[str, str], revision: int) -> IngressMap:
    """Return the map of all switches."""
    return IngressMap(name=name, entries=entries, subject=SWITCHES_SUBJECT, revision=revision)


# Live data -> the ingress's maps: what operators set, over what the policy starts with.


def wanted_switches(policy: EdgePolicy, snapshot: Snapshot, now: float) -> IngressMap:
    """Return what the map of switches should hold at a moment."""
    settings = decode_switches(snapshot.entries)
    entries: dict[str, str] = {}
    for switch in policy.switches:
        entries.update(_print_switch(switch, settings.get(switch.name), now))
    return switches_map(SWITCHES_MAP, entries, switches_revision(snapshot.entries))


class FollowedLists:
    """The map files of every list."""

    def __init__(self, maps: Path, make: Callable[[ListFile], ListFollower]) -> None:
        self._maps = maps
        self._make = make
        self._followers: dict[str, ListFollower] = {}
        self._failed: list[HandshakeError] = []

    def follow(self, policy: EdgePolicy, heads: Snapshot, now: float) -> tuple[Followed, ...]:
        """Bring every list's file to its head; what cannot be had now stays as it is: see `require_all`."""
        known = decode_heads(heads.entries)
        self._failed = []
        return tuple(
            followed
            for shape in shape_lists(policy)
            for followed in self._follow(shape, known.get(shape.name), now)
        )

    def require_all(self) -> None:
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
