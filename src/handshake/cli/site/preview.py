"""`handshake site preview`: a release on a host name of its own."""

from __future__ import annotations

import secrets
from dataclasses import dataclass

import click

from handshake.catalog.keys import SITE_PREVIEWS
from handshake.cli.asking import who_asks
from handshake.cli.completing import complete_site
from handshake.cli.durations import DurationType
from handshake.cli.edge.options import print_moment
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, show
from handshake.cli.session import find_release, open_wiring
from handshake.control.site_traffic import PREVIEW_USER, Preview
from handshake.core.digest import short
from handshake.core.errors import RefusedError

_PASSWORD_BYTES = 12


@dataclass(frozen=True, kw_only=True)
class PreviewReport:
    """Where a preview is, and what opens it; the password is shown this once."""

    url: str
    user: str
    password: str
    until: float


@click.command()
@click.argument("name", shell_complete=complete_site)
@click.option("--release", default="", help="Which release, by its first digits; absent: the youngest.")
@click.option("--as", "label", default="", help="The host's name, as a branch; absent: the release's digits.")
@click.option(
    "--for", "seconds", type=DurationType(), default="7d", show_default=True, help="How long: 2h, 7d."
)
@click.option("--end", is_flag=True, help="End the preview that --as names.")
@click.option("--reason", default="preview", help="Why, for the journal.")
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
    campaign: str,
    as_json: bool,
) -> None:
    """Show a release of site NAME on a host of its own, for who knows the password, and for no search engine."""
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        if end:
            full = f"{label}--{name}"
            wiring.site_traffic.end(f"{SITE_PREVIEWS}{full}", owner=who_asks(), what=f"preview {full}")
            return
        listed = [each.release for each in wiring.site_releases.list(name)]
        if not listed:
            raise RefusedError(
                f"site/{name} has no release", hint=f"handshake publish site/{name} makes one."
            )
        chosen = find_release(release, listed) if release else listed[0]
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
        report = _describe(shown, password, wiring.demand_live().policy.campaign.listen.door)
        show(report, as_json=as_json, for_people=lambda: _tell(report))


def _describe(shown: Preview, password: str, door: str) -> PreviewReport:
    port = door.rpartition(":")[2]
    url = f"http://{shown.label}.preview.localhost:{port}/"
    return PreviewReport(url=url, user=PREVIEW_USER, password=password, until=shown.until)


def _tell(report: PreviewReport) -> None:
    out.print(
        f"{report.url}\nuser {report.user}, password {report.password}, until {print_moment(report.until)}"
    )
    out.print("Any host that begins so and goes on with .preview. shows it: point its DNS to the door.")
