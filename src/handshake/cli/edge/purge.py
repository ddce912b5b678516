"""`handshake edge purge`: pages that every cache shall forget."""

from __future__ import annotations

import sys

import click
from rich.markup import escape

from handshake.cli.asking import who_asks
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, show
from handshake.cli.session import open_wiring
from handshake.control.edge_data import DataReport
from handshake.control.purges import describe_purge, read_purge
from handshake.edge.purge import Purge


@click.command()
@click.argument("tags", nargs=-1)
@click.option("--url", "urls", multiple=True, help="One page: https://HOST/PATH, with its query.")
@click.option(
    "--soft", "is_soft", is_flag=True, help="Ask the origin first, and keep the page for when it is down."
)
@click.option("--reason", default="purged", help="Why, for the journal.")
@click.option("--dry-run", is_flag=True, help="Say what would be purged, and do nothing.")
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
    """Let every cache forget the pages that carry one of TAGS, or that have one of the URLs; at last Fastly's."""
    with errors_explained(as_json=as_json):
        asked = read_purge(tags, urls, is_soft=is_soft)
        if dry_run:
            show(asked, as_json=as_json, for_people=lambda: _foretell(asked))
            return
        report = open_wiring(campaign).operator(who_asks()).purge(asked, reason=reason)
        show(report, as_json=as_json, for_people=lambda: _tell(report))
        if not report.is_enforced:
            sys.exit(1)


def _foretell(asked: Purge) -> None:
    out.print(f"would purge {escape(describe_purge(asked))}")


def _tell(report: DataReport) -> None:
    what = escape(report.what)
    if report.is_enforced:
        out.print(f"{what}: [green]every cache has carried it out[/] after {report.seconds * 1000:.0f} ms")
    else:
        out.print(f"{what}: [yellow]written, and no ack of every cache yet[/]; each follows by itself")
    for said in report.said:
        out.print(f"  {escape(said)}")
