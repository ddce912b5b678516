"""`handshake drift`: what runs against what the pointers say, file by file."""

from __future__ import annotations

import sys

import click
from rich.markup import escape
from rich.table import Table

from handshake.cli.screen import campaign_option, errors_explained, json_option, out, show
from handshake.control.drift import DriftReport
from handshake.control.house import find_house
from handshake.core.clock import SystemClock
from handshake.wiring.routing import Routing


@click.command()
@campaign_option
@json_option
def drift(*, campaign: str, as_json: bool) -> None:
    """Compare instances, trees and routers of this node with the pointers; exit with 1 where one has drifted."""
    with errors_explained(as_json=as_json):
        report = Routing(find_house(campaign), SystemClock()).drift()
        show(report, as_json=as_json, for_people=lambda: _tell(report))
        if report.has_drifted:
            sys.exit(1)


def _tell(report: DriftReport) -> None:
    out.print(f"looked at {', '.join(report.looked_at)}", style="dim")
    if not report.differences:
        out.print("[green]no drift[/]: everything is what the pointers say")
        return
    table = Table("", "wanted", "found", "plan", box=None)
    for each in report.differences:
        plan = escape(each.plan) or "[red]none: drift[/]"
        table.add_row(*map(escape, (each.thing, each.wanted, each.found)), plan)
    out.print(table)
