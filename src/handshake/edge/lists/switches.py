"""Switches: set by verbs with an owner, a reason, an end and an undo; unknown names are refused."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

from handshake.catalog.catalog import Catalog
from handshake.catalog.codec import decode, encode
from handshake.catalog.entries import CatalogEntry, Put, Write
from handshake.catalog.journal import journal_write
from handshake.catalog.keys import SWITCH_HISTORY, SWITCHES, switch_history_key, switch_key
from handshake.core.clock import Clock
from handshake.core.errors import RefusedError
from handshake.edge.lists.declared import DataReport, DeclaredPolicy, find_switch, wait_for_ingresses
from handshake.pointers.acks import SWITCHES_SUBJECT

# Switches as stored in the catalogue.


@dataclass(frozen=True, kw_only=True)
class SwitchSetting:
    """A switch as set by an operator."""

    name: str
    is_on: bool
    owner: str
    reason: str
    set_at: float
    until: float | None
    """When the switch returns to its previous value, in seconds since the epoch; None: never."""
    was_on: bool
    """Its previous value, for the undo."""
    number: int = 0
    """Counts how often it was set, from 1."""


class Switches:
    """Reads and sets switches."""

    def __init__(self, catalog: Catalog, clock: Clock) -> None:
        self._catalog = catalog
        self._clock = clock

    def all(self) -> dict[str, SwitchSetting]:
        """Return every switch that was ever set."""
        return decode_switches(self._catalog.read(SWITCHES).entries)

    def set(
        self, name: str, *, is_on: bool, default: bool, owner: str, reason: str, seconds: float | None
    ) -> int:
        """Set a switch for a limited time or for good; return the revision that ingresses will acknowledge."""
        now = self._clock.now()
        entry = self._catalog.get(switch_key(name))
        before = decode(SwitchSetting, entry.value) if entry else None
        setting = SwitchSetting(
            name=name,
            is_on=is_on,
            owner=owner,
            reason=reason,
            set_at=now,
            until=now + seconds if seconds is not None else None,
            was_on=is_switch_on(before, now, default=default),
            number=(before.number if before else 0) + 1,
        )
        return self._write(setting, entry, f"switch {name} {print_switch(is_on=is_on)}: {reason}")

    def history(self, name: str) -> tuple[SwitchSetting, ...]:
        """Return every setting of a switch, newest first; of all switches if the name is empty."""
        prefix = f"{SWITCH_HISTORY}{name}/" if name else SWITCH_HISTORY
        settings = [decode(SwitchSetting, entry.value) for entry in self._catalog.read(prefix).entries]
        return tuple(sorted(settings, key=lambda its: (its.set_at, its.number), reverse=True))

    def undo(self, name: str, *, owner: str) -> int:
        """Return a switch to its value before the last change."""
        entry = self._catalog.get(switch_key(name))
        if entry is None:
            raise RefusedError(
                f"switch {name} was never set", hint="`handshake edge switch ls` lists switches."
            )
        before = decode(SwitchSetting, entry.value)
        setting = SwitchSetting(
            name=name,
            is_on=before.was_on,
            owner=owner,
            reason=f"undo: {before.reason}",
            set_at=self._clock.now(),
            until=None,
            was_on=is_switch_on(before, self._clock.now(), default=before.was_on),
            number=before.number + 1,
        )
        what = f"switch {name} back to {print_switch(is_on=before.was_on)}"
        return self._write(setting, entry, what)

    def _write(self, setting: SwitchSetting, entry: CatalogEntry | None, what: str) -> int:
        put = Put(key=switch_key(setting.name), value=encode(setting), if_index=entry.index if entry else 0)
        kept = Write(key=switch_history_key(setting.name, setting.number), value=put.value)
        self._catalog.transact([put, kept, journal_write(setting.owner, what, setting.set_at)])
        written = self._catalog.get(put.key)
        return written.index if written else 0


def decode_switches(entries: Iterable[CatalogEntry]) -> dict[str, SwitchSetting]:
    """Return the settings in these entries, by name."""
    settings = (decode(SwitchSetting, entry.value) for entry in entries)
    return {setting.name: setting for setting in settings}


def switches_revision(entries: Iterable[CatalogEntry]) -> int:
    """Return the common revision of all switches: the index of the last one that was set."""
    return max((entry.index for entry in entries), default=0)


def is_switch_on(setting: SwitchSetting | None, now: float, *, default: bool) -> bool:
    """Return whether a switch is on at a time: an expired setting counts as its previous value."""
    if setting is None:
        return default
    if setting.until is not None and setting.until <= now:
        return setting.was_on
    return setting.is_on


def print_switch(*, is_on: bool) -> str:
    """Return `on` or `off`."""
    return "on" if is_on else "off"


_INGRESS_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class SwitchEditor:
    """Turns switches for an operator. Works while the control plane is down."""

    who: str
    catalog: Catalog
    clock: Clock
    switches: Switches
    read_live: Callable[[], DeclaredPolicy]
    nodes: tuple[str, ...]

    def set(self, name: str, *, is_on: bool, seconds: float | None, reason: str) -> DataReport:
        """Turn a switch on or off, for a limited time or for good."""
        known = find_switch(self.read_live(), name)
        revision = self.switches.set(
            name, is_on=is_on, default=known.is_on, owner=self.who, reason=reason, seconds=seconds
        )
        return self._wait(revision, f"switch {name} is {print_switch(is_on=is_on)}")

    def undo(self, name: str) -> DataReport:
        """Return a switch to its value before the last change."""
        revision = self.switches.undo(name, owner=self.who)
        return self._wait(revision, f"switch {name} is back")

    def _wait(self, revision: int, what: str) -> DataReport:
        return wait_for_ingresses(
            self.catalog,
            self.clock,
            self.nodes,
            subject=SWITCHES_SUBJECT,
            revision=revision,
            what=what,
            seconds=_INGRESS_SECONDS,
        )
