"""`handshake site ls`: the releases of a site."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import click
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from handshake.cli.completing import complete_site
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, show
from handshake.cli.session import open_wiring, read_subject
from handshake.control.site_releases import SiteRelease
from handshake.core.digest import short


@dataclass(frozen=True, kw_only=True)
class SiteReleasesReport:
    """A site's releases, the youngest first."""

    site: str
    releases: tuple[SiteRelease, ...]


@click.command()
@click.argument("name", shell_complete=complete_site)
@campaign_option
@json_option
def ls(name: str, *, campaign: str, as_json: bool) -> None:
    """Show the releases of site NAME: which is live, who made them from what, and how large they are."""
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        report = SiteReleasesReport(site=name, releases=wiring.site_releases.list(name))
        if not report.releases:
            wiring.publisher().require_declared(read_subject(f"site/{name}"))
        show(report, as_json=as_json, for_people=lambda: _tell(report))


def _tell(report: SiteReleasesReport) -> None:
    if not report.releases:
        out.print(f"site/{report.site} has no release yet; handshake publish site/{report.site} makes one")
        return
    table = Table("release", "", "made", "files", "size", "commit", "source", "by", box=None)
    for each in report.releases:
        made = datetime.fromtimestamp(each.made_at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        role = "live" if each.is_live else "stable" if each.is_stable else ""
        numbers = (f"{each.files:,}", decimal(each.size))
        origin = (escape(each.commit[:12]), escape(each.source), escape(each.builder))
        table.add_row(short(each.release), role, made, *numbers, *origin)
    out.print(table)
