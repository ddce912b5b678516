"""`handshake edge decoys`: who got plausible answers that are none, and whether one of them is an honest donor."""

from __future__ import annotations

from dataclasses import dataclass

import click
from rich.markup import escape
from rich.table import Table

from handshake.cli.edge.options import print_moment, since_option
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, show
from handshake.cli.session import open_wiring
from handshake.edge.log.decoys import DecoyReport

_SHOWN = 50


@dataclass(frozen=True, kw_only=True)
class DecoyScreen:
    """Decoys, counted apart."""

    decoys: DecoyReport
    suspects: int
    """Clients who had really given before: perhaps honest donors who hold a false receipt."""


@click.command("decoys")
@since_option
@campaign_option
@json_option
def decoys(*, since: float, campaign: str, as_json: bool) -> None:
    """Count decoys by rule and by client, by the access log; donors among the deceived come first."""
    with errors_explained(as_json=as_json):
        report = open_wiring(campaign).witness.decoys(since)
        screen = DecoyScreen(decoys=report, suspects=len(report.suspects))
        show(screen, as_json=as_json, for_people=lambda: _tell(report))


def _tell(report: DecoyReport) -> None:
    for rule in report.rules:
        out.print(f"{rule.what}: {rule.requests:,} decoys")
    table = Table("client", "country", "decoys", "receipts", "first", "last", "gave before", box=None)
    for its in report.clients[:_SHOWN]:
        gave = f"[bold red]{print_moment(its.gave_at)}[/]" if its.is_suspect else ""
        moments = (print_moment(its.first_at), print_moment(its.last_at))
        table.add_row(its.client, escape(its.country), f"{its.decoys:,}", f"{its.receipts:,}", *moments, gave)
    out.print(table)
    if report.suspects:
        out.print(
            "[bold red]deceived donors[/]: look up what they were told, then `handshake edge wall remove` them"
        )
