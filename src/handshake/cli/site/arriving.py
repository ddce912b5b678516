"""Waiting for previews and splits and telling where they are served: what the verbs that change them share."""

from __future__ import annotations

import sys

import click

from handshake.cli.screen import out, progress
from handshake.control.site_arrival import ShownArrival
from handshake.wiring.campaign import Wiring

wait_option = click.option(
    "--wait",
    "seconds_waited",
    default=60.0,
    show_default=True,
    help="How long to wait for every cache's ack; 0: not at all.",
)


def wait_for_caches(wiring: Wiring, what: str, *, seconds: float, is_quiet: bool) -> ShownArrival:
    """Wait until every cache shows what was written last."""
    revision = wiring.site_traffic.read().revision
    with progress(is_quiet=is_quiet) as bars:
        task = bars.add_task(what, total=None)
        return wiring.shown_arrivals.wait(revision, seconds, lambda why: bars.update(task, description=why))


def tell_arrival(arrival: ShownArrival) -> None:
    """Say at which places it is served, or who has not said so."""
    if arrival.has_arrived:
        out.print(f"[green]served[/] after {arrival.seconds:.2f} s at {', '.join(arrival.serving)}")
    else:
        out.print("[yellow]written[/]", end=" ")
        out.print(f"and not served everywhere yet: {arrival.why}", markup=False, soft_wrap=True)


def exit_unless_served(arrival: ShownArrival, *, seconds: float) -> None:
    """End with 1 where somebody waited in vain."""
    if seconds and not arrival.has_arrived:
        sys.exit(1)
