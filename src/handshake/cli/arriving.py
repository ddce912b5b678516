"""Moving pointers and telling what became of it: what promote, rollback, apply and publish share."""

from __future__ import annotations

import sys

from handshake.cli.screen import out, progress, show
from handshake.control.arrival import Arrival, Ending
from handshake.core.digest import short
from handshake.core.pointer import Move
from handshake.wiring import Wiring


def move_and_wait(wiring: Wiring, move: Move, *, seconds: float, as_json: bool) -> None:
    """Move a pointer, wait for every place, print what became of it; exit with 1 unless it arrived."""
    (moved,) = wiring.pointers.move([move])
    with progress(is_quiet=as_json) as bars:
        task = bars.add_task(f"{move.subject} -> {short(move.release)}", total=None)
        arrival = wiring.arrivals().wait(moved, seconds, lambda why: bars.update(task, description=why))
    show(arrival, as_json=as_json, for_people=lambda: _tell(arrival))
    if arrival.ending is not Ending.ARRIVED:
        sys.exit(1)


def _tell(arrival: Arrival) -> None:
    pointer = arrival.pointer
    colour = "green" if arrival.ending is Ending.ARRIVED else "red"
    out.print(
        f"{pointer.subject} -> {short(pointer.release)} revision {pointer.revision}: "
        f"[{colour}]{arrival.ending}[/] after {arrival.seconds:.2f} s"
    )
    out.print(f"  {arrival.why}", markup=False, style="dim", soft_wrap=True)
