"""`handshake edge wall history`: what was said of a list."""

from __future__ import annotations

from dataclasses import dataclass

import click
from rich.markup import escape
from rich.table import Table

from handshake.cli.asking import who_asks
from handshake.cli.edge.live_data import open_live_data
from handshake.cli.edge.options import list_option, print_moment
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, show
from handshake.control.lists.word import ListDelta


@dataclass(frozen=True, kw_only=True)
class ListHistory:
    """What verbs said of a list, newest first."""

    name: str
    said: tuple[ListDelta, ...]


@click.command("history")
@list_option
@click.option("-n", "--newest", type=int, default=20, show_default=True, help="How many are shown.")
@campaign_option
@json_option
def history(*, list_name: str, newest: int, campaign: str, as_json: bool) -> None:
    """Show who changed a list, when and why; no rollback touches it."""
    with errors_explained(as_json=as_json):
        live = open_live_data(campaign)
        live.wall(who_asks()).shape(list_name)
        report = ListHistory(name=list_name, said=tuple(live.lists.history(list_name, newest)))
        show(report, as_json=as_json, for_people=lambda: _tell(report))


def _tell(report: ListHistory) -> None:
    table = Table("when", "what", "by", "reason", box=None)
    for delta in report.said:
        its = delta.origin
        table.add_row(print_moment(its.at), escape(delta.what), escape(its.author), escape(its.reason))
    out.print(table)
