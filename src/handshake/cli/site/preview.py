"""`handshake site preview`: a release on a host name of its own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import click

from handshake.cli.asking import who_asks
from handshake.cli.completing import complete_site
from handshake.cli.durations import DurationType
from handshake.cli.edge.options import print_moment
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, show
from handshake.cli.session import find_release, open_wiring
from handshake.cli.site.arriving import exit_unless_served, tell_arrival, wait_for_caches, wait_option
from handshake.control.site_arrival import ShownArrival
from handshake.control.site_routes import route_release
from handshake.control.site_traffic import PREVIEW_USER, Preview
from handshake.core.digest import Digest, short
from handshake.core.errors import RefusedError
from handshake.wiring.campaign import Wiring

_PASSWORD_BYTES = 12


@dataclass(frozen=True, kw_only=True)
class PreviewReport:
    """Where a preview is, and what opens it; the password is shown this once."""

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
@click.option("--release", default="", help="Which release, by its first digits; absent: the youngest.")
@click.option("--as", "label", default="", help="The host's name, as a branch; absent: the release's digits.")
@click.option(
    "--for", "seconds", type=DurationType(), default="7d", show_default=True, help="How long: 2h, 7d."
)
@click.option("--end", is_flag=True, help="End the preview that --as names.")
@click.option("--reason", default="preview", help="Why, for the journal.")
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
    """Show a release of site NAME on a host of its own, for who knows the password, and for no search engine.

    Waits until every cache shows it.
    """
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        if end:
            _end(wiring, f"{label}--{name}", seconds=seconds_waited, as_json=as_json)
            return
        chosen = _choose(wiring, name, release)
        password = secrets.token_urlsafe(_PASSWORD_BYTES)
        shown = wiring.site_traffic.preview(
            name,
            chosen,
            name=label or short(chosen),
            password=password,
            seconds=seconds,
            owner=who_asks(),
            reason=reason,
        )
        arrival = wait_for_caches(wiring, f"preview {shown.label}", seconds=seconds_waited, is_quiet=as_json)
        report = _describe(shown, password, wiring.demand_live().policy.campaign.listen.door, arrival)
        show(report, as_json=as_json, for_people=lambda: _tell(report))
        exit_unless_served(arrival, seconds=seconds_waited)


def _end(wiring: Wiring, label: str, *, seconds: float, as_json: bool) -> None:
    wiring.site_traffic.end_preview(label, owner=who_asks())
    arrival = wait_for_caches(wiring, f"end of preview {label}", seconds=seconds, is_quiet=as_json)
    report = EndedPreviewReport(label=label, arrival=arrival)
    show(report, as_json=as_json, for_people=lambda: _tell_end(report))
    exit_unless_served(arrival, seconds=seconds)


def _choose(wiring: Wiring, name: str, release: str) -> Digest:
    """Return the release that was named, or the youngest; RefusedError where this edge could not show it."""
    listed = [each.release for each in wiring.site_releases.list(name)]
    if not listed:
        raise RefusedError(f"site/{name} has no release", hint=f"handshake publish site/{name} makes one.")
    chosen = find_release(release, listed) if release else listed[0]
    route_release(chosen, wiring.manifest_of(chosen))
    return chosen


def _describe(shown: Preview, password: str, door: str, arrival: ShownArrival) -> PreviewReport:
    port = door.rpartition(":")[2]
    url = f"http://{shown.label}.preview.localhost:{port}/"
    return PreviewReport(url=url, user=PREVIEW_USER, password=password, until=shown.until, arrival=arrival)


def _tell(report: PreviewReport) -> None:
    out.print(
        f"{report.url}\nuser {report.user}, password {report.password}, until {print_moment(report.until)}"
    )
    out.print("Any host that begins so and goes on with .preview. shows it: point its DNS to the door.")
    tell_arrival(report.arrival)


def _tell_end(report: EndedPreviewReport) -> None:
    out.print(f"the preview {report.label} has ended", markup=False)
    tell_arrival(report.arrival)
