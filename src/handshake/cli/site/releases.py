"""The releases of a site: list, inspect, compare."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import click
from rich.filesize import decimal
from rich.markup import escape
from rich.table import Table

from handshake.cli.completion import complete_release, complete_site
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, print_report
from handshake.cli.session import find_release, open_campaign, read_subject
from handshake.compose.cli import CliParts
from handshake.core.digest import Digest, short
from handshake.core.errors import RefusedError
from handshake.release.manifest import ManifestFile, SiteContract
from handshake.site.contract import parse_contract
from handshake.site.history import FileChange, SiteDifference, SiteRelease, compare_releases


@dataclass(frozen=True, kw_only=True)
class SiteReleasesReport:
    """A site's releases, newest first."""

    site: str
    releases: tuple[SiteRelease, ...]


@click.command()
@click.argument("name", shell_complete=complete_site)
@campaign_option
@json_option
def ls(name: str, *, campaign: str, as_json: bool) -> None:
    """List the releases of site NAME: which is live, who made each from what, and its size."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        report = SiteReleasesReport(site=name, releases=parts.site_releases.list(name))
        if not report.releases:
            parts.publisher().require_declared(read_subject(f"site/{name}"))
        print_report(report, as_json=as_json, for_people=lambda: _print(report))


def _print(report: SiteReleasesReport) -> None:
    if not report.releases:
        out.print(
            f"site/{report.site} has no release yet; handshake publish site/{report.site} publishes one"
        )
        return
    table = Table("release", "", "made", "files", "size", "commit", "source", "by", box=None)
    for each in report.releases:
        made = datetime.fromtimestamp(each.made_at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        role = "live" if each.is_live else "stable" if each.is_stable else ""
        numbers = (f"{each.files:,}", decimal(each.size))
        origin = (escape(each.commit[:12]), escape(each.source), escape(each.builder))
        table.add_row(short(each.release), role, made, *numbers, *origin)
    out.print(table)


# `handshake site show`: the contents of a release of a site.


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
    """Show the files of a release of site NAME and how it is served. Default: the live release."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        pointer = parts.live_data.pointers.get(read_subject(f"site/{name}"))
        if release:
            wanted = find_release(release, parts.campaign.releases())
        elif pointer:
            wanted = pointer.release
        else:
            raise RefusedError(f"site/{name} was never promoted", hint=f"handshake site ls {name}")
        manifest = parts.campaign.manifest_of(wanted)
        contract = parse_contract(manifest.contract)
        report = SiteReport(site=name, release=wanted, contract=contract, files=manifest.files)
        print_report(report, as_json=as_json, for_people=lambda: _print_show(report))


def _print_show(report: SiteReport) -> None:
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


# `handshake site diff`: what changed between two releases of a site.


@dataclass(frozen=True, kw_only=True)
class SiteDifferenceReport:
    """What changed from one release to the other."""

    site: str
    before: Digest
    after: Digest
    difference: SiteDifference


@click.command()
@click.argument("name", shell_complete=complete_site)
@click.argument("before", required=False, shell_complete=complete_release)
@click.argument("after", required=False, shell_complete=complete_release)
@campaign_option
@json_option
def diff(name: str, before: str | None, after: str | None, *, campaign: str, as_json: bool) -> None:
    """Show what changed in site NAME from release BEFORE to release AFTER, by path and size.

    Default for AFTER: the live release. Default for BEFORE: the release that was live before.
    """
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        old, new = _choose(parts, name, before, after)
        difference = compare_releases(parts.campaign.manifest_of(old), parts.campaign.manifest_of(new))
        report = SiteDifferenceReport(site=name, before=old, after=new, difference=difference)
        print_report(report, as_json=as_json, for_people=lambda: _print_diff(report))


def _choose(parts: CliParts, name: str, before: str | None, after: str | None) -> tuple[Digest, Digest]:
    if before and after:
        known = parts.campaign.releases()
        return find_release(before, known), find_release(after, known)
    old, new = parts.site_releases.live_and_before(name)
    return (find_release(before, parts.campaign.releases()) if before else old), new


def _print_diff(report: SiteDifferenceReport) -> None:
    its = report.difference
    table = Table("", "path", "before", "after", box=None)
    for change in its.changes:
        sizes = ("" if size is None else decimal(size) for size in (change.before, change.after))
        table.add_row(_sign(change), escape(change.path), *sizes)
    out.print(f"site/{report.site} {short(report.before)} -> {short(report.after)}", markup=False)
    if its.changes:
        out.print(table)
    if its.contract:
        out.print(f"served differently: {', '.join(its.contract)}", markup=False)
    out.print(f"{len(its.changes):,} changed, {its.unchanged:,} the same")


def _sign(change: FileChange) -> str:
    if change.before is None:
        return "+"
    return "-" if change.after is None else "~"
