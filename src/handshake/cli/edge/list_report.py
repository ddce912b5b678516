"""The entries of a list with the requests they matched, and dry runs. These read the whole policy."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

import click
from rich.markup import escape
from rich.table import Table

from handshake.cli.edge.live_data import list_option, print_moment, since_option
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, print_report, who_asks
from handshake.cli.session import open_campaign
from handshake.edge.lists.entries import ListShape
from handshake.edge.simulate.log_analysis import BanPreview


@dataclass(frozen=True, kw_only=True)
class EntryRow:
    """One entry."""

    entry: str
    until: float
    hits: int
    """Requests that it matched, by the access log of this node."""
    strikes: int
    author: str
    reason: str
    at: float


@dataclass(frozen=True, kw_only=True)
class ListReport:
    """The entries of a list, without expired ones."""

    name: str
    total: int
    entries: tuple[EntryRow, ...]
    """Newest first, limited to the requested number."""


@click.command("ls")
@list_option
@click.option("-n", "--newest", type=int, default=100, show_default=True, help="How many to show.")
@since_option
@campaign_option
@json_option
def ls(*, list_name: str, newest: int, since: float, campaign: str, as_json: bool) -> None:
    """List the entries, newest first: which requests they matched, until when, by whom and why."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        wall = parts.live_data.list_editor(who_asks())
        held = wall.content(list_name)
        entries = frozenset(its.word.entry for its in held)
        hits = parts.log_analyzer.hits(wall.shape(list_name), entries, since)
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
        print_report(report, as_json=as_json, for_people=lambda: _print(report))


def _print(report: ListReport) -> None:
    table = Table("entry", "until", "hits", "by", "reason", box=None)
    for row in report.entries:
        until = print_moment(row.until)
        table.add_row(escape(row.entry), until, f"{row.hits:,}", escape(row.author), escape(row.reason))
    out.print(table)
    if report.total > len(report.entries):
        out.print(f"{len(report.entries):,} of {report.total:,}; `handshake edge list export` prints all")


# Dry runs read the whole policy, so they are imported only when requested.


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """The clients that a ban would have matched."""

    entries: int
    preview: BanPreview


def show_dry_run(
    campaign: str, shape: ListShape, entries: Collection[str], *, since: float, as_json: bool
) -> None:
    """Show the clients that a ban would have matched in the last seconds, by the access log of this node."""
    preview = open_campaign(campaign).log_analyzer.preview(shape, entries, since)
    report = DryRun(entries=len(entries), preview=preview)
    print_report(report, as_json=as_json, for_people=lambda: _print_preview(report))


def _print_preview(report: DryRun) -> None:
    """Print the clients that a ban would have matched, donors first."""
    seen = report.preview
    if not seen.requests:
        out.print(
            "the access log of this node has no records from that time, so the effect of the ban is unknown"
        )
        return
    span = f"{print_moment(seen.since)} to {print_moment(seen.until)}"
    out.print(f"nothing was changed; by the access log, {span}:")
    share = 100 * seen.met / seen.requests
    out.print(
        f"  {seen.met:,} of {seen.requests:,} requests ({share:.2g} %), from {seen.clients:,} addresses"
    )
    for donor in seen.donors:
        when = print_moment(donor.last_at)
        out.print(f"  [bold red]donor[/] {donor.client} donated {donor.donations} times, last on {when}")
    for title, counts in (("path", seen.paths), ("country", seen.countries)):
        if counts:
            table = Table(title, "requests", box=None)
            for count in counts:
                table.add_row(escape(count.what), f"{count.requests:,}")
            out.print(table)
