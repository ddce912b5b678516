"""`handshake edge wall ls`: what a list holds, and whom it met."""

from __future__ import annotations

from dataclasses import dataclass

import click
from rich.markup import escape
from rich.table import Table

from handshake.cli.asking import who_asks
from handshake.cli.edge.options import list_option, print_moment, since_option
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, show
from handshake.cli.session import open_wiring


@dataclass(frozen=True, kw_only=True)
class EntryRow:
    """One entry."""

    entry: str
    until: float
    hits: int
    """Requests that it met, by the access log of this node."""
    strikes: int
    author: str
    reason: str
    at: float


@dataclass(frozen=True, kw_only=True)
class ListReport:
    """What a list holds, leases that ended left out."""

    name: str
    total: int
    entries: tuple[EntryRow, ...]
    """The latest first, as many as were asked for."""


@click.command("ls")
@list_option
@click.option("-n", "--newest", type=int, default=100, show_default=True, help="How many are shown.")
@since_option
@campaign_option
@json_option
def ls(*, list_name: str, newest: int, since: float, campaign: str, as_json: bool) -> None:
    """Show what a list holds, the latest first: whom it met, until when, by whom, why."""
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        wall = wiring.wall(who_asks())
        held = wall.content(list_name)
        entries = frozenset(its.word.entry for its in held)
        hits = wiring.witness.hits(wall.shape(list_name), entries, since)
        rows = tuple(
            EntryRow(
                entry=its.word.entry,
                until=its.word.until,
                hits=hits[its.word.entry],
                strikes=its.word.strikes,
                author=its.origin.author,
                reason=its.origin.reason,
                at=its.origin.at,
            )
            for its in sorted(held, key=lambda its: -its.origin.at)[:newest]
        )
        report = ListReport(name=list_name, total=len(held), entries=rows)
        show(report, as_json=as_json, for_people=lambda: _tell(report))


def _tell(report: ListReport) -> None:
    table = Table("entry", "until", "hits", "by", "reason", box=None)
    for row in report.entries:
        until = print_moment(row.until)
        table.add_row(escape(row.entry), until, f"{row.hits:,}", escape(row.author), escape(row.reason))
    out.print(table)
    if report.total > len(report.entries):
        out.print(f"{len(report.entries):,} of {report.total:,}; `handshake edge wall export` prints all")
