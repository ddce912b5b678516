"""`handshake site diff`: what changed between two releases of a site."""

from __future__ import annotations

from dataclasses import dataclass

import click
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from handshake.cli.completing import complete_release, complete_site
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, show
from handshake.cli.session import find_release, open_wiring
from handshake.core.digest import Digest, short
from handshake.site.difference import Difference, FileChange, compare_releases
from handshake.wiring.campaign import Wiring


@dataclass(frozen=True, kw_only=True)
class SiteDifferenceReport:
    """What changed from one release to the other."""

    site: str
    before: Digest
    after: Digest
    difference: Difference


@click.command()
@click.argument("name", shell_complete=complete_site)
@click.argument("before", required=False, shell_complete=complete_release)
@click.argument("after", required=False, shell_complete=complete_release)
@campaign_option
@json_option
def diff(name: str, before: str | None, after: str | None, *, campaign: str, as_json: bool) -> None:
    """Show what changed in site NAME from release BEFORE to AFTER, by path and size.

    Without AFTER, up to the live release; without BEFORE, from the one that was live before.
    """
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        old, new = _choose(wiring, name, before, after)
        difference = compare_releases(wiring.manifest_of(old), wiring.manifest_of(new))
        report = SiteDifferenceReport(site=name, before=old, after=new, difference=difference)
        show(report, as_json=as_json, for_people=lambda: _tell(report))


def _choose(wiring: Wiring, name: str, before: str | None, after: str | None) -> tuple[Digest, Digest]:
    if before and after:
        known = wiring.releases()
        return find_release(before, known), find_release(after, known)
    old, new = wiring.site_releases.live_and_before(name)
    return (find_release(before, wiring.releases()) if before else old), new


def _tell(report: SiteDifferenceReport) -> None:
    its = report.difference
    table = Table("", "path", "before", "after", box=None)
    for change in its.changes:
        sizes = ("" if size is None else decimal(size) for size in (change.before, change.after))
        table.add_row(_sign(change), escape(change.path), *sizes)
    out.print(f"site/{report.site} {short(report.before)} -> {short(report.after)}", markup=False)
    if its.changes:
        out.print(table)
    if its.contract:
        out.print(f"served otherwise: {', '.join(its.contract)}", markup=False)
    out.print(f"{len(its.changes):,} changed, {its.unchanged:,} the same")


def _sign(change: FileChange) -> str:
    if change.before is None:
        return "+"
    return "-" if change.after is None else "~"
