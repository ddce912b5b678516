"""Waiting for a moved pointer and telling what became of it: what promote, rollback, apply and publish share."""

from __future__ import annotations

import sys

from handshake.cli.screen import out, progress, show
from handshake.cli.watching import watching
from handshake.control.arrival import Arrival, Ending
from handshake.control.operator import Operator
from handshake.control.status import FleetRow, read_fleets
from handshake.core.digest import short
from handshake.core.pointer import Pointer
from handshake.core.release import Kind
from handshake.fleet.state import Stage


def wait_and_tell(operator: Operator, moved: Pointer, *, seconds: float, as_json: bool) -> None:
    """Wait for every place, print what became of the move; exit with 1 unless it arrived."""
    if moved.subject.kind in {Kind.IMAGE, Kind.TEMPLATES}:
        with watching(lambda: _concerned(operator, moved), is_quiet=as_json):
            arrival = operator.wait(moved, seconds=seconds, tell=lambda _: None)
    else:
        with progress(is_quiet=as_json) as bars:
            task = bars.add_task(f"{moved.subject} -> {short(moved.release)}", total=None)
            arrival = operator.wait(
                moved, seconds=seconds, tell=lambda why: bars.update(task, description=why)
            )
    show(arrival, as_json=as_json, for_people=lambda: _tell(arrival))
    if arrival.ending is not Ending.ARRIVED:
        sys.exit(1)


def _concerned(operator: Operator, moved: Pointer) -> tuple[FleetRow, ...]:
    """Return the image's fleet; templates move whichever fleets do not rest."""
    fleets = read_fleets(operator.catalog)
    if moved.subject.kind is Kind.IMAGE:
        return tuple(fleet for fleet in fleets if fleet.service == moved.subject.name)
    return tuple(fleet for fleet in fleets if fleet.stage != Stage.SETTLED)


def _tell(arrival: Arrival) -> None:
    pointer = arrival.pointer
    colour = "green" if arrival.ending is Ending.ARRIVED else "red"
    out.print(
        f"{pointer.subject} -> {short(pointer.release)} revision {pointer.revision}: "
        f"[{colour}]{arrival.ending}[/] after {arrival.seconds:.2f} s"
    )
    out.print(f"  {arrival.why}", markup=False, style="dim", soft_wrap=True)
