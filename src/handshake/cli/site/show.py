"""`handshake site show`: what a release of a site is made of."""

from __future__ import annotations

from dataclasses import dataclass

import click
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from handshake.cli import screen
from handshake.cli.completing import complete_release, complete_site
from handshake.cli.screen import campaign_option, errors_explained, json_option, out
from handshake.cli.session import find_release, open_wiring, read_subject
from handshake.core.digest import Digest, short
from handshake.core.errors import RefusedError
from handshake.core.manifest import ManifestFile
from handshake.core.site_contract import SiteContract
from handshake.site.contract import parse_contract


@dataclass(frozen=True, kw_only=True)
class SiteReport:
    """One release of a site."""

    site: str
    release: Digest
    contract: SiteContract
    files: tuple[ManifestFile, ...]


@click.command()
@click.argument("name", shell_complete=complete_site)
@click.argument("release", required=False, shell_complete=complete_release)
@campaign_option
@json_option
def show(name: str, release: str | None, *, campaign: str, as_json: bool) -> None:
    """Show the files of a release of site NAME, and how it is served; without RELEASE, of the live one."""
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        pointer = wiring.pointers.get(read_subject(f"site/{name}"))
        if pointer is None and release is None:
            raise RefusedError(f"site/{name} was never promoted", hint=f"handshake site ls {name}")
        wanted = find_release(release, wiring.releases()) if release else pointer.release if pointer else None
        if wanted is None:
            raise AssertionError("either is given")
        manifest = wiring.manifest_of(wanted)
        contract = parse_contract(manifest.contract)
        report = SiteReport(site=name, release=wanted, contract=contract, files=manifest.files)
        screen.show(report, as_json=as_json, for_people=lambda: _tell(report))


def _tell(report: SiteReport) -> None:
    total = decimal(sum(file.size for file in report.files))
    out.print(
        f"site/{report.site} {short(report.release)}: {len(report.files):,} files, {total}", markup=False
    )
    its = report.contract
    for what, value in (
        ("assets", ", ".join(its.assets)),
        ("not found", its.not_found),
        ("fallback", its.fallback),
        ("query", ", ".join(its.query)),
        ("redirects", str(len(its.redirects) or "")),
        ("headers", str(len(its.headers) or "")),
    ):
        if value:
            out.print(f"  {what}: {value}", markup=False)
    table = Table("path", "size", "type", box=None)
    for file in report.files:
        table.add_row(escape(file.path), decimal(file.size), file.content_type)
    out.print(table)
