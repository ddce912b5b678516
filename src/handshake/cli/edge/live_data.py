"""What the verbs for switches and lists share. It imports little, so that a ban starts fast."""

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
    """Return the switches and lists of a campaign that is up here; raise ProblemsError if there is none."""
    return compose_live_data(find_node(campaign), SystemClock())


# The end of every change of live data: whether the ingresses enforce it.


def finish(report: DataReport, *, as_json: bool) -> None:
    """Print the result of a change; exit with 1 if an ingress has not yet acknowledged it."""
    print_report(report, as_json=as_json, for_people=lambda: _print(report))
    if not report.is_enforced:
        sys.exit(1)


def _print(report: DataReport) -> None:
    if report.is_enforced:
        out.print(f"{report.what}: [green]every ingress enforces it[/] after {report.seconds * 1000:.0f} ms")
    else:
        out.print(
            f"{report.what}: [yellow]saved, but not every ingress has acknowledged it yet[/]; see `handshake status`"
        )
    if report.fastly:
        out.print(f"Fastly: {report.fastly}", markup=False)


# Options that several verbs of the edge share, and how they print times.

reason_option = click.option("--reason", required=True, help="The reason, for the journal.")
for_option = click.option(
    "--for",
    "seconds",
    type=DurationType(),
    default=None,
    help="How long: 90s, 10m, 2h, 7d. Default: for good.",
)
term_option = click.option("--for", "seconds", type=DurationType(), help="How long: 90s, 10m, 2h, 7d.")
for_good_option = click.option("--for-good", is_flag=True, help="With no end.")
list_option = click.option("--list", "list_name", default="wall", show_default=True, help="The list.")
since_option = click.option(
    "--since", type=DurationType(), default="24h", show_default=True, help="How far back to read the log."
)
exact_option = click.option(
    "--exact", is_flag=True, help="List an IPv6 address alone, not the whole /64 of its owner."
)


def print_moment(at: float) -> str:
    """Return a time for people, or that there is no end."""
    if at >= FOREVER:
        return "for good"
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
