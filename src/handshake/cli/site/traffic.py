"""Previews and splits: releases on host names of their own, and a share of visitors who see another release."""

from __future__ import annotations

import secrets
import sys
from dataclasses import dataclass

import click
from rich.markup import escape
from rich.table import Table

from handshake.cli.completion import complete_site
from handshake.cli.edge.live_data import print_moment
from handshake.cli.screen import (
    DurationType,
    campaign_option,
    errors_explained,
    json_option,
    out,
    print_report,
    progress,
    who_asks,
)
from handshake.cli.session import find_release, open_campaign
from handshake.compose.cli import CliParts
from handshake.core.digest import Digest, short
from handshake.core.errors import RefusedError
from handshake.edge.cache.routing import route_release
from handshake.edge.ingress.access_log import AccessLog
from handshake.site.traffic import (
    PREVIEW_USER,
    ArmCount,
    ShownArrival,
    SitePreview,
    SiteSplit,
    count_arms,
    require_site,
)

# `handshake site shown`: previews and splits, and how many requests each arm has answered.


@dataclass(frozen=True, kw_only=True)
class ShownReport:
    """What visitors may see besides the live releases."""

    previews: tuple[SitePreview, ...]
    splits: tuple[SiteSplit, ...]
    arms: tuple[ArmCount, ...]


@click.command()
@click.option(
    "--since", type=DurationType(), default="24h", show_default=True, help="How far back to count requests."
)
@campaign_option
@json_option
def shown(*, since: float, campaign: str, as_json: bool) -> None:
    """List every preview and split, who made it and until when, and the requests that each arm has answered."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        traffic = parts.site_traffic.read()
        sites = parts.campaign.require_live().policy.campaign.sites
        mounts = {its.site: sites[its.site].mount for its in traffic.splits if its.site in sites}
        after = parts.clock.now() - since
        arms = count_arms(AccessLog(parts.paths.programs / "ingress" / "log").lines(after), mounts)
        report = ShownReport(previews=traffic.previews, splits=traffic.splits, arms=arms)
        print_report(report, as_json=as_json, for_people=lambda: _print_shown(report))


def _print_shown(report: ShownReport) -> None:
    table = Table("what", "release", "until", "by", "reason", box=None)
    for each in report.previews:
        who = (each.owner, escape(each.reason))
        table.add_row(f"preview {each.label}", short(each.release), print_moment(each.until), *who)
    for its in report.splits:
        who = (its.owner, escape(its.reason))
        table.add_row(f"split {its.site} {its.share} %", short(its.other), print_moment(its.until), *who)
    out.print(table)
    for arm in report.arms:
        out.print(f"{arm.site} arm {arm.arm}: {arm.requests:,} requests, {arm.failures:,} failed")


# Waiting for previews and splits, and reporting where they are served.

wait_option = click.option(
    "--wait",
    "seconds_waited",
    default=60.0,
    show_default=True,
    help="How long to wait for every cache to acknowledge. 0: do not wait.",
)


def wait_for_caches(parts: CliParts, what: str, *, seconds: float, is_quiet: bool) -> ShownArrival:
    """Wait until every cache serves the latest state."""
    revision = parts.site_traffic.read().revision
    with progress(is_quiet=is_quiet) as bars:
        task = bars.add_task(what, total=None)
        return parts.shown_arrivals.wait(revision, seconds, lambda why: bars.update(task, description=why))


def print_arrival(arrival: ShownArrival) -> None:
    """Print the places that serve it, or those that have not acknowledged it."""
    if arrival.has_arrived:
        out.print(f"[green]served[/] after {arrival.seconds:.2f} s at {', '.join(arrival.serving)}")
    else:
        out.print("[yellow]written[/]", end=" ")
        out.print(f"not served everywhere yet: {arrival.why}", markup=False, soft_wrap=True)


def exit_unless_served(arrival: ShownArrival, *, seconds: float) -> None:
    """Exit with 1 if the wait failed."""
    if seconds and not arrival.has_arrived:
        sys.exit(1)


_PASSWORD_BYTES = 12


@dataclass(frozen=True, kw_only=True)
class PreviewReport:
    """A preview's URL and password; the password is shown only once."""

    url: str
    user: str
    password: str
    until: float
    arrival: ShownArrival


@dataclass(frozen=True, kw_only=True)
class EndedPreviewReport:
    """A preview that was ended."""

    label: str
    arrival: ShownArrival


@click.command()
@click.argument("name", shell_complete=complete_site)
@click.option("--release", default="", help="The release, by an id prefix. Default: the newest.")
@click.option(
    "--as",
    "label",
    default="",
    help="The label in the host name, such as a branch. Default: from the release id.",
)
@click.option(
    "--for", "seconds", type=DurationType(), default="7d", show_default=True, help="How long: 2h, 7d."
)
@click.option("--end", is_flag=True, help="End the preview that --as names.")
@click.option("--reason", default="preview", help="The reason, for the journal.")
@wait_option
@campaign_option
@json_option
def preview(
    name: str,
    *,
    release: str,
    label: str,
    seconds: float,
    end: bool,
    reason: str,
    seconds_waited: float,
    campaign: str,
    as_json: bool,
) -> None:
    """Show a release of site NAME on a host name of its own, with a password and hidden from search engines.

    Waits until every cache serves it.
    """
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        if end:
            _end(parts, f"{label}--{name}", seconds=seconds_waited, as_json=as_json)
            return
        chosen = _choose(parts, name, release)
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        shown = parts.site_traffic.preview(
            name,
            chosen,
            name=label or short(chosen),
            password=password,
            seconds=seconds,
            owner=who_asks(),
            reason=reason,
        )
        arrival = wait_for_caches(parts, f"preview {shown.label}", seconds=seconds_waited, is_quiet=as_json)
        ingress = parts.campaign.require_live().policy.campaign.listen.ingress
        report = _describe(shown, password, ingress, arrival)
        print_report(report, as_json=as_json, for_people=lambda: _print(report))
        exit_unless_served(arrival, seconds=seconds_waited)


def _end(parts: CliParts, label: str, *, seconds: float, as_json: bool) -> None:
    parts.site_traffic.end_preview(label, owner=who_asks())
    arrival = wait_for_caches(parts, f"end of preview {label}", seconds=seconds, is_quiet=as_json)
    report = EndedPreviewReport(label=label, arrival=arrival)
    print_report(report, as_json=as_json, for_people=lambda: _print_end(report))
    exit_unless_served(arrival, seconds=seconds)


def _choose(parts: CliParts, name: str, release: str) -> Digest:
    """Return the named release, or the newest; raise RefusedError if this edge could not serve it."""
    listed = [each.release for each in parts.site_releases.list(name)]
    if not listed:
        raise RefusedError(f"site/{name} has no release", hint=f"handshake publish site/{name} makes one.")
    chosen = find_release(release, listed) if release else listed[0]
    route_release(chosen, parts.campaign.manifest_of(chosen))
    return chosen


def _describe(shown: SitePreview, password: str, ingress: str, arrival: ShownArrival) -> PreviewReport:
    port = ingress.rpartition(":")[2]
    url = f"http://{shown.label}.preview.localhost:{port}/"
    return PreviewReport(url=url, user=PREVIEW_USER, password=password, until=shown.until, arrival=arrival)


def _print(report: PreviewReport) -> None:
    out.print(
        f"{report.url}\nuser {report.user}, password {report.password}, until {print_moment(report.until)}"
    )
    out.print("Any host name that starts with LABEL.preview. shows it, once its DNS points to the ingress.")
    print_arrival(report.arrival)


def _print_end(report: EndedPreviewReport) -> None:
    out.print(f"the preview {report.label} has ended", markup=False)
    print_arrival(report.arrival)


# `handshake site split`: shows another release to a share of visitors.


@dataclass(frozen=True, kw_only=True)
class SplitReport:
    """A split that was started."""

    split: SiteSplit
    arrival: ShownArrival


@dataclass(frozen=True, kw_only=True)
class EndedSplitReport:
    """A split that was ended."""

    site: str
    arrival: ShownArrival


@click.command()
@click.argument("name", shell_complete=complete_site)
@click.argument("first")
@click.argument("second")
@click.option(
    "--share", type=click.IntRange(1, 99), required=True, help="The percentage of visitors who see SECOND."
)
@click.option(
    "--for", "seconds", type=DurationType(), default="7d", show_default=True, help="How long: 2h, 7d."
)
@click.option("--reason", required=True, help="The reason, for the journal.")
@wait_option
@campaign_option
@json_option
def split(
    name: str,
    first: str,
    second: str,
    *,
    share: int,
    seconds: float,
    reason: str,
    seconds_waited: float,
    campaign: str,
    as_json: bool,
) -> None:
    """Show release SECOND to a share of site NAME's visitors instead of FIRST, the live one; each keeps their release.

    Waits until every cache does so.
    """
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        pointer = require_site(name, parts.live_data.pointers.get)
        listed = [each.release for each in parts.site_releases.list(name)]
        if find_release(first, listed) != pointer.release:
            raise RefusedError(
                f"{first} is not the live release of site/{name}",
                hint=f"Use {short(pointer.release)} as FIRST, or promote {first}.",
            )
        other = find_release(second, listed)
        route_release(other, parts.campaign.manifest_of(other))
        begun = parts.site_traffic.split(
            pointer,
            other,
            share=share,
            seconds=seconds,
            owner=who_asks(),
            reason=reason,
        )
        arrival = wait_for_caches(parts, f"split of site/{name}", seconds=seconds_waited, is_quiet=as_json)
        report = SplitReport(split=begun, arrival=arrival)
        print_report(report, as_json=as_json, for_people=lambda: _print_split(report))
        exit_unless_served(arrival, seconds=seconds_waited)


@click.command("end-split")
@click.argument("name", shell_complete=complete_site)
@wait_option
@campaign_option
@json_option
def end_split(name: str, *, seconds_waited: float, campaign: str, as_json: bool) -> None:
    """End the split of site NAME: everyone sees the live release again. Waits until every cache serves it."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        parts.site_traffic.end_split(name, owner=who_asks())
        what = f"end of the split of site/{name}"
        arrival = wait_for_caches(parts, what, seconds=seconds_waited, is_quiet=as_json)
        report = EndedSplitReport(site=name, arrival=arrival)
        print_report(report, as_json=as_json, for_people=lambda: _print_end_split(report))
        exit_unless_served(arrival, seconds=seconds_waited)


def _print_split(report: SplitReport) -> None:
    its = report.split
    out.print(
        f"{its.share} % of the visitors of site/{its.site} see {short(its.other)}, the others {short(its.live)}, "
        f"until {print_moment(its.until)}"
    )
    print_arrival(report.arrival)


def _print_end_split(report: EndedSplitReport) -> None:
    out.print(f"the split of site/{report.site} has ended", markup=False)
    print_arrival(report.arrival)
