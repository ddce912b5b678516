"""What every change of live data ends with: the doors' word, or that it is not there yet."""

from __future__ import annotations

import sys

from handshake.cli.screen import out, show
from handshake.control.edge_data import DataReport


def finish(report: DataReport, *, as_json: bool) -> None:
    """Print what became of a change; exit with 1 where a door has not said yet that it enforces it."""
    show(report, as_json=as_json, for_people=lambda: _tell(report))
    if not report.is_enforced:
        sys.exit(1)


def _tell(report: DataReport) -> None:
    if report.is_enforced:
        out.print(f"{report.what}: [green]every door enforces it[/] after {report.seconds * 1000:.0f} ms")
    else:
        out.print(
            f"{report.what}: [yellow]written, and no ack of every door yet[/]; handshake status says who"
        )
    if report.fastly:
        out.print(f"Fastly: {report.fastly}", markup=False)
