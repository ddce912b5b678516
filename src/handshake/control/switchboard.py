"""Somebody's say in switches: refused where the live policy has none of the name, then the doors' word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from handshake.catalog.catalog import Catalog
from handshake.control.acks import SWITCHES
from handshake.control.declared import DeclaredPolicy
from handshake.control.edge_data import DataReport, find_switch, wait_for_doors
from handshake.control.switches import Switches, print_switch
from handshake.core.clock import Clock

_DOOR_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Switchboard:
    """Somebody who may turn switches, and what they turn them with. Works with the control plane dead."""

    who: str
    catalog: Catalog
    clock: Clock
    switches: Switches
    read_live: Callable[[], DeclaredPolicy]
    nodes: tuple[str, ...]

    def set(self, name: str, *, is_on: bool, seconds: float | None, reason: str) -> DataReport:
        """Turn a switch on or off, for a time or for good."""
        known = find_switch(self.read_live(), name)
        revision = self.switches.set(
            name, is_on=is_on, default=known.is_on, owner=self.who, reason=reason, seconds=seconds
        )
        return self._wait(revision, f"switch {name} is {print_switch(is_on=is_on)}")

    def undo(self, name: str) -> DataReport:
        """Return a switch to what it was before it was last set."""
        revision = self.switches.undo(name, owner=self.who)
        return self._wait(revision, f"switch {name} is back")

    def _wait(self, revision: int, what: str) -> DataReport:
        return wait_for_doors(
            self.catalog,
            self.clock,
            self.nodes,
            subject=SWITCHES,
            revision=revision,
            what=what,
            seconds=_DOOR_SECONDS,
        )
