"""The door's maps: brought to what they shall hold, and read back before anybody says so."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from handshake.control.acks import SWITCHES, list_subject
from handshake.control.agent.door_program import Door
from handshake.control.agent.list_file import KeyChange, ListFile
from handshake.control.agent.list_follower import Followed

_FEW = 64
"""Up to so many changed entries are sent one by one; more replace the map in one step."""


@dataclass(frozen=True, kw_only=True)
class DoorMap:
    """What one map shall hold, and which subject and revision that makes served."""

    name: str
    entries: Mapping[str, str]
    subject: str
    revision: int
    """0 where nobody ever changed it: then the policy's seed is all, and nothing is acknowledged."""


@dataclass(frozen=True, kw_only=True)
class Moved:
    """What became of one map."""

    name: str
    subject: str
    revision: int
    is_changed: bool
    proof: str
    """What the running program showed; empty where it does not hold what it shall hold."""


class DoorMaps:
    """The maps of this node's door. A small one is read back whole, a list of a million by what changed."""

    def __init__(self, door: Door) -> None:
        self._door = door
        self._kept: dict[str, Mapping[str, str]] = {}
        self._read_back: dict[str, Mapping[str, str]] = {}
        self._trusted: set[str] = set()
        """Lists whose map is known to hold what the file held."""
        self._has_read_files = False

    def distrust(self, *, has_read_files: bool) -> None:
        """Forget what was read back: another worker answers now."""
        self._read_back.clear()
        self._trusted.clear()
        self._has_read_files = has_read_files

    def keep(self, wanted: DoorMap) -> None:
        """Leave a map where the next start finds it, before anything that runs changes."""
        if self._kept.get(wanted.name) != wanted.entries:
            self._door.keep_map(wanted.name, wanted.entries)
            self._kept[wanted.name] = dict(wanted.entries)

    def follow(self, wanted: DoorMap) -> Moved:
        """Bring a small map to what it shall hold."""
        held = self._read_back.get(wanted.name)
        if held is None:
            held = self._door.show_map(wanted.name)
        is_changed = held != wanted.entries
        if is_changed:
            self._change(wanted.name, wanted.entries, held)
            held = self._door.show_map(wanted.name)
        self._read_back[wanted.name] = held
        proof = f"{wanted.name} holds {len(held)} entries" if held == wanted.entries else ""
        return Moved(
            name=wanted.name,
            subject=wanted.subject,
            revision=wanted.revision,
            is_changed=is_changed,
            proof=proof,
        )

    def follow_list(self, followed: Followed) -> Moved:
        """Bring a list's map to what its file holds, which is ahead: a door that starts now loads that."""
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
        count = self._door.count(file.name)
        if count == file.count:
            self._trusted.add(file.name)
        return Moved(
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
            self._door.remove(name, change.key)
        elif change.was_there:
            self._door.put(name, change.key, str(change.until))
        else:
            self._door.add(name, change.key, str(change.until))

    def _is_held(self, name: str, change: KeyChange) -> bool:
        found = self._door.look_up(name, change.key)
        if change.until:
            return found == (change.key, str(change.until))
        return found is None or found[0] != change.key

    def _compare(self, file: ListFile) -> bool:
        """Compare a map with its file, whole, and mend it; True where it had to be mended."""
        if self._has_read_files and self._door.count(file.name) == file.count:
            return False
        wanted = {key: str(until) for key, until in file.leases()}
        held = self._door.show_map(file.name)
        if held == wanted and self._door.count(file.name) == len(wanted):
            return False
        self._change(file.name, wanted, held)
        if self._door.show_map(file.name) != wanted or self._door.count(file.name) != len(wanted):
            self._replace(file)
        return True

    def _replace(self, file: ListFile) -> None:
        self._door.replace_map(file.name, ((key, str(until)) for key, until in file.leases()))

    def _change(self, name: str, wanted: Mapping[str, str], held: Mapping[str, str]) -> None:
        gone = held.keys() - wanted.keys()
        new = {key: value for key, value in wanted.items() if held.get(key) != value}
        if len(gone) + len(new) > _FEW:
            self._door.replace_map(name, wanted.items())
            return
        for key, value in new.items():
            self._door.put(name, key, value)
        for key in gone:
            self._door.remove(name, key)


def switches_map(name: str, entries: Mapping[str, str], revision: int) -> DoorMap:
    """Return the map of all switches."""
    return DoorMap(name=name, entries=entries, subject=SWITCHES, revision=revision)
