"""The door's reconciler: its configuration follows the policy, its maps follow switches and lists."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Protocol

from handshake.control.acks import SWITCHES, AckWriter, list_subject
from handshake.control.live import LivePolicy
from handshake.core.digest import digest_bytes
from handshake.core.errors import RefusedError
from handshake.core.outcome import Outcome
from handshake.edge.door.compile import compile_door
from handshake.edge.door.surroundings import DoorSurroundings
from handshake.syntax.haproxy import print_haproxy

_FEW = 64
"""Up to so many changed entries are sent one by one; more replace the map in one step."""


class Door(Protocol):
    """A running door on this node.

    UnavailableError where the program does not answer, RefusedError where it does not accept.
    """

    def ensure(self, text: str) -> bool:
        """Start the program with this configuration unless it runs; True where it was started now."""
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

    def put(self, name: str, key: str, value: str) -> None:
        """Give one key of a map a value."""
        ...

    def remove(self, name: str, key: str) -> None:
        """Forget one key of a map."""
        ...

    def replace_map(self, name: str, entries: Mapping[str, str]) -> None:
        """Replace a whole map in one step."""
        ...

    def keep_map(self, name: str, entries: Mapping[str, str]) -> None:
        """Leave a map where the next start or reload finds it; nothing that runs changes."""
        ...


@dataclass(frozen=True, kw_only=True)
class DoorMap:
    """What one map shall hold, and which subject and revision that makes served."""

    name: str
    entries: Mapping[str, str]
    subject: str
    revision: int
    """0 where nobody ever changed it: then the policy's seed is all, and nothing is acknowledged."""


class DoorReconciler:
    """Moves this node's door to where policy, switches and lists are."""

    def __init__(self, *, door: Door, acks: AckWriter, surroundings: DoorSurroundings) -> None:
        self._door = door
        self._acks = acks
        self._surroundings = surroundings
        self._kept: dict[str, Mapping[str, str]] = {}
        self._read_back: dict[str, Mapping[str, str]] = {}

    def cycle(self, live: LivePolicy, maps: tuple[DoorMap, ...]) -> Outcome:
        """Serve the policy, bring every map to what it shall hold, then say what was read back."""
        for wanted in maps:
            self._keep(wanted)
        text, digest = self._compile(live)
        started = self._door.ensure(text)
        changed = self._follow_policy(live, text, digest)
        if started or changed:
            self._read_back.clear()
        moved = [wanted.name for wanted in maps if self._follow_map(wanted)]
        return _tell(started=started, changed=changed, moved=moved)

    def digest_of(self, live: LivePolicy) -> str:
        """Return what the running program should say that it serves."""
        return self._compile(live)[1]

    def running(self) -> str:
        """Return what the running program says that it serves."""
        return self._door.digest()

    def _compile(self, live: LivePolicy) -> tuple[str, str]:
        edge = live.policy.edge
        bare = print_haproxy(compile_door(edge, replace(self._surroundings, digest="-")))
        digest = digest_bytes(bare.encode())
        return print_haproxy(compile_door(edge, replace(self._surroundings, digest=digest))), digest

    def _follow_policy(self, live: LivePolicy, text: str, digest: str) -> bool:
        subject, revision = str(live.pointer.subject), live.pointer.revision
        is_served = self._door.digest() == digest
        if not is_served:
            try:
                self._door.reconfigure(text, digest)
            except RefusedError as error:
                self._acks.refuse(subject, revision, f"{error.what}: {error.details}")
                raise
        said = self._door.digest()
        if said == digest:
            self._acks.serve(subject, revision, f"the running worker describes itself as {said}")
        return not is_served

    def _keep(self, wanted: DoorMap) -> None:
        if self._kept.get(wanted.name) != wanted.entries:
            self._door.keep_map(wanted.name, wanted.entries)
            self._kept[wanted.name] = dict(wanted.entries)

    def _follow_map(self, wanted: DoorMap) -> bool:
        """Bring one map to what it shall hold; an ack is written only for what the program showed."""
        held = self._read_back.get(wanted.name)
        if held is None:
            held = self._door.show_map(wanted.name)
        is_changed = held != wanted.entries
        if is_changed:
            self._change(wanted, held)
            held = self._door.show_map(wanted.name)
        self._read_back[wanted.name] = held
        if held == wanted.entries and wanted.revision:
            proof = f"{wanted.name} holds {len(held)} entries"
            self._acks.serve(wanted.subject, wanted.revision, proof)
        return is_changed

    def _change(self, wanted: DoorMap, held: Mapping[str, str]) -> None:
        gone = held.keys() - wanted.entries.keys()
        new = {key: value for key, value in wanted.entries.items() if held.get(key) != value}
        if len(gone) + len(new) > _FEW:
            self._door.replace_map(wanted.name, wanted.entries)
            return
        for key, value in new.items():
            self._door.put(wanted.name, key, value)
        for key in gone:
            self._door.remove(wanted.name, key)


def switches_map(name: str, entries: Mapping[str, str], revision: int) -> DoorMap:
    """Return the map of all switches."""
    return DoorMap(name=name, entries=entries, subject=SWITCHES, revision=revision)


def list_map(name: str, list_name: str, entries: Mapping[str, str], revision: int) -> DoorMap:
    """Return the map of one list."""
    return DoorMap(name=name, entries=entries, subject=list_subject(list_name), revision=revision)


def _tell(*, started: bool, changed: bool, moved: list[str]) -> Outcome:
    parts = ["started"] if started else []
    parts += ["serves a new configuration"] if changed else []
    parts += [f"changed {', '.join(moved)}"] if moved else []
    return Outcome(sentence=", ".join(parts) or "is as wanted", changed=bool(parts))
