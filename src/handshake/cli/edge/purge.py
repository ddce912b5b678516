"""`handshake edge purge` and `decoys`: purge pages from the caches, and show who received decoys."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import click
from rich.markup import escape
from rich.table import Table

from handshake.cli.edge.live_data import print_moment, since_option
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, print_report, who_asks
from handshake.cli.session import open_campaign
from handshake.edge.cache.cache import Purge
from handshake.edge.cache.purge import describe_purge, read_purge
from handshake.edge.lists.declared import DataReport
from handshake.edge.simulate.log_analysis import DecoyReport

_SHOWN = 50


@dataclass(frozen=True, kw_only=True)
class DecoyScreen:
    """Decoy counts."""

    decoys: DecoyReport
    suspects: int
    """Clients who had donated before: possibly honest donors with a false receipt."""


@click.command("decoys")
@since_option
@campaign_option
@json_option
def decoys(*, since: float, campaign: str, as_json: bool) -> None:
    """Count decoys by rule and by client, by the access log; donors who received one come first."""
    with errors_explained(as_json=as_json):
        report = open_campaign(campaign).log_analyzer.decoys(since)
        screen = DecoyScreen(decoys=report, suspects=len(report.suspects))
        print_report(screen, as_json=as_json, for_people=lambda: _print(report))


def _print(report: DecoyReport) -> None:
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
            "[bold red]donors who received decoys[/]: check what they were sent, then `handshake unban` them"
        )


# `handshake edge purge`: removes pages from every cache.


@click.command()
@click.argument("tags", nargs=-1)
@click.option("--url", "urls", multiple=True, help="The page: https://HOST/PATH, with its query.")
@click.option(
    "--soft",
    "is_soft",
    is_flag=True,
    help="Revalidate with the origin, and keep the page in case the origin is down.",
)
@click.option("--reason", default="purged", help="The reason, for the journal.")
@click.option("--dry-run", is_flag=True, help="Show what would be purged, and do nothing.")
@campaign_option
@json_option
def purge(
    tags: tuple[str, ...],
    *,
    urls: tuple[str, ...],
    is_soft: bool,
    reason: str,
    dry_run: bool,
    campaign: str,
    as_json: bool,
) -> None:
    """Purge the pages with any of TAGS or of the URLs from every cache, Fastly's last."""
    with errors_explained(as_json=as_json):
        asked = read_purge(tags, urls, is_soft=is_soft)
        if dry_run:
            print_report(asked, as_json=as_json, for_people=lambda: _foretell(asked))
            return
        report = open_campaign(campaign).operator(who_asks()).purge(asked, reason=reason)
        print_report(report, as_json=as_json, for_people=lambda: _print_purge(report))
        if not report.is_enforced:
            sys.exit(1)


def _foretell(asked: Purge) -> None:
    out.print(f"would purge {escape(describe_purge(asked))}")


def _print_purge(report: DataReport) -> None:
    what = escape(report.what)
    if report.is_enforced:
        out.print(f"{what}: [green]purged from every cache[/] after {report.seconds * 1000:.0f} ms")
    else:
        out.print(
            f"{what}: [yellow]saved, but not every cache has acknowledged it yet[/]; each one will catch up"
        )
    for said in report.said:
        out.print(f"  {escape(said)}")
