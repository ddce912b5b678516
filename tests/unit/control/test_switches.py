"""Switches have an owner, a reason, an end and an undo."""

import pytest

from handshake.catalog.keys import SWITCHES
from handshake.core.errors import RefusedError
from handshake.edge.lists.switches import Switches, is_switch_on, switches_revision
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock

BAN = "non_us_ban"


def turn(switches: Switches, *, is_on: bool, seconds: float | None = None) -> int:
    return switches.set(BAN, is_on=is_on, default=False, owner="ann", reason="attack", seconds=seconds)


def test_a_switch_is_what_was_set() -> None:
    """A switch that was turned on is on, and says who did it and why."""
    switches = Switches(MemoryCatalog(), FakeClock())
    turn(switches, is_on=True)

    setting = switches.all()[BAN]
    assert (setting.is_on, setting.owner, setting.reason) == (True, "ann", "attack")


def test_a_setting_ends() -> None:
    """After its end a setting counts as what was before it, without anybody doing anything."""
    clock = FakeClock()
    switches = Switches(MemoryCatalog(), clock)
    turn(switches, is_on=True, seconds=60)
    setting = switches.all()[BAN]

    assert is_switch_on(setting, clock.now(), default=False)
    assert not is_switch_on(setting, clock.now() + 60, default=False)


def test_undo_returns_what_was_before() -> None:
    """Undoing a setting gives the value before it; undoing that gives it again."""
    clock = FakeClock()
    switches = Switches(MemoryCatalog(), clock)
    turn(switches, is_on=True)
    switches.undo(BAN, owner="bob")
    assert not is_switch_on(switches.all()[BAN], clock.now(), default=False)

    switches.undo(BAN, owner="bob")
    assert is_switch_on(switches.all()[BAN], clock.now(), default=False)


def test_a_switch_that_was_never_set_has_no_undo() -> None:
    """There is nothing to return to where nobody ever set the switch."""
    with pytest.raises(RefusedError, match="was never set"):
        Switches(MemoryCatalog(), FakeClock()).undo(BAN, owner="ann")


def test_each_setting_is_a_new_revision() -> None:
    """The revision that ingresses acknowledge grows with every setting."""
    catalog = MemoryCatalog()
    switches = Switches(catalog, FakeClock())
    first = turn(switches, is_on=True)
    second = turn(switches, is_on=False)

    assert first < second
    assert switches_revision(catalog.read(SWITCHES).entries) == second
