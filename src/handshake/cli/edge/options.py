"""Options that several verbs of the edge share, and how they print a moment."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from handshake.cli.durations import DurationType

reason_option = click.option("--reason", required=True, help="Why, for the journal.")
for_option = click.option(
    "--for", "seconds", type=DurationType(), default=None, help="How long: 90s, 10m, 2h, 7d; else for good."
)
list_option = click.option("--list", "list_name", default="wall", show_default=True, help="Which list.")


def print_moment(at: float) -> str:
    """Return a moment as people read it."""
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
