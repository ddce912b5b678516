"""Options that several verbs of the edge share, and how they print a moment."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from handshake.cli.durations import DurationType
from handshake.control.lists.word import FOREVER

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
