"""What the verbs of switches and lists share; it imports so little that nobody waits for it."""

from __future__ import annotations

import sys
from datetime import UTC, datetime

import click

from handshake.cli.screen import DurationType, out, print_report
from handshake.compose.live_data import LiveDataParts, compose_live_data
from handshake.core.clock import SystemClock
from handshake.edge.lists.changes import FOREVER
from handshake.edge.lists.declared import DataReport
from handshake.release.node_paths import find_node


def open_live_data(campaign: str) -> LiveDataParts:
    """Return switches and lists of a campaign that is up here; ProblemsError where there is none."""
    return compose_live_data(find_node(campaign), SystemClock())


# What every change of live data ends with: the ingresses' word, or that it is not there yet.


def finish(report: DataReport, *, as_json: bool) -> None:
    """Print what became of a change; exit with 1 where an ingress has not said yet that it enforces it."""
    print_report(report, as_json=as_json, for_people=lambda: _tell(report))
    if not report.is_enforced:
        sys.exit(1)


def _tell(report: DataReport) -> None:
    if report.is_enforced:
        out.print(f"{report.what}: [green]every ingress enforces it[/] after {report.seconds * 1000:.0f} ms")
    else:
        out.print(
            f"{report.what}: [yellow]written, and no ack of every ingress yet[/]; handshake status says who"
        )
    if report.fastly:
        out.print(f"Fastly: {report.fastly}", markup=False)


# Options that several verbs of the edge share, and how they print a moment.

reason_option = click.option("--reason", required=True, help="Why, for the journal.")
for_option = click.option(
    "--for", "seconds", type=DurationType(), default=None, help="How long: 90s, 10m, 2h, 7d; else for good."
)
term_option = click.option("--for", "seconds", type=DurationType(), help="How long: 90s, 10m, 2h, 7d.")
for_good_option = click.option("--for-good", is_flag=True, help="Without an end.")
list_option = click.option("--list", "list_name", default="wall", show_default=True, help="Which list.")
since_option = click.option(
    "--since", type=DurationType(), default="24h", show_default=True, help="How far back the log is read."
)
exact_option = click.option(
    "--exact", is_flag=True, help="An IPv6 address alone, and not the /64 that its owner has."
)


def print_moment(at: float) -> str:
    """Return a moment as people read it."""
    if at >= FOREVER:
        return "for good"
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
