"""What an operator is told when a verb is refused."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from handshake.core.errors import RefusedError
from handshake.core.subject import parse_subject
from handshake.edge.lists.switches import Switches
from handshake.fleet.bundle_store import Bundles
from handshake.fleet.engine.freeze import parse_dates, parse_weekly, parse_zone
from handshake.fleet.engine.state import FleetSettings
from handshake.site.traffic import SiteTraffics
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock
from tests.unit.control.controlled import IMAGE, Controlled, release


def tell_refusals() -> dict[str, str]:
    """Return what each refused verb says, by its name."""
    return {name: _refuse(verb) for name, verb in (_rollouts() | _bundles() | _traffic() | _input()).items()}


def _refuse(verb: Callable[[], object]) -> str:
    with pytest.raises((RefusedError, ValueError)) as refused:
        verb()
    hint = refused.value.hint if isinstance(refused.value, RefusedError) else ""
    return f"{refused.value} | {hint}" if hint else str(refused.value)


def _rollouts() -> dict[str, Callable[[], object]]:
    settled, first = Controlled(), Controlled()
    settled.settle("good", "plain")
    first.promote(IMAGE, "good")
    return {
        "resume-not-paused": lambda: settled.rollouts().resume("hamm", reason="done"),
        "pause-never-promoted": lambda: settled.rollouts().pause("hum", reason="why", seconds=None),
        "abort-nothing": lambda: settled.rollouts().abort("hamm", reason="no"),
        "abort-first-release": lambda: first.rollouts().abort("hamm", reason="no"),
    }


def _bundles() -> dict[str, Callable[[], object]]:
    system = Controlled()
    system.promote("site/calls", "old")
    bundles = Bundles(
        who="ada",
        catalog=system.catalog,
        clock=system.clock,
        pointers=system.pointers,
        require_checked=lambda _subject, _release: None,
    )
    calls = parse_subject("site/calls")
    return {
        "bundle-nothing-to-move": lambda: bundles.promote({calls: release("old")}, reason="again"),
        "bundle-unknown": lambda: bundles.undo("nobody", reason="no"),
    }


def _traffic() -> dict[str, Callable[[], object]]:
    traffics = SiteTraffics(MemoryCatalog(), FakeClock())
    switches = Switches(MemoryCatalog(), FakeClock())
    return {
        "preview-bad-name": lambda: traffics.preview(
            "calls", release("new"), name="Neu!", password="x", seconds=60, owner="ada", reason="a look"
        ),
        "split-unknown": lambda: traffics.end_split("calls", owner="ada"),
        "preview-unknown": lambda: traffics.end_preview("x", owner="ada"),
        "switch-never-set": lambda: switches.undo("non_us_ban", owner="ann"),
    }


def _input() -> dict[str, Callable[[], object]]:
    return {
        "fleet-of-nothing": lambda: FleetSettings(desired=0),
        "window-incomplete": lambda: parse_weekly("fri 16:00"),
        "window-unknown-day": lambda: parse_weekly("fry 16:00 - mon 08:00"),
        "window-no-time": lambda: parse_weekly("fri 16:60 - mon 08:00"),
        "window-whole-week": lambda: parse_weekly("mon 00:00 - sun 24:00"),
        "dates-backwards": lambda: parse_dates("2027-01-02 - 2026-12-23"),
        "zone-unknown": lambda: parse_zone("Germany/Berlin"),
    }
