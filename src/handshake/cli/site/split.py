"""`handshake site split`: a share of visitors sees another release."""

from __future__ import annotations

from dataclasses import dataclass

import click

from handshake.catalog.keys import SITE_SPLITS
from handshake.cli.asking import who_asks
from handshake.cli.completing import complete_site
from handshake.cli.durations import DurationType
from handshake.cli.edge.options import print_moment
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, show
from handshake.cli.session import find_release, open_wiring
from handshake.control.site_traffic import SiteSplit, demand_site
from handshake.core.digest import short
from handshake.core.errors import RefusedError


@dataclass(frozen=True, kw_only=True)
class SplitReport:
    """A split as it begins."""

    split: SiteSplit


@click.command()
@click.argument("name", shell_complete=complete_site)
@click.argument("first")
@click.argument("second")
@click.option(
    "--share", type=click.IntRange(1, 99), required=True, help="Percent of visitors who see SECOND."
)
@click.option(
    "--for", "seconds", type=DurationType(), default="7d", show_default=True, help="How long: 2h, 7d."
)
@click.option("--reason", required=True, help="Why, for the journal.")
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
    campaign: str,
    as_json: bool,
) -> None:
    """Let a share of site NAME's visitors see release SECOND instead of FIRST, which is live, and go on seeing it."""
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        pointer = demand_site(name, wiring.pointers.get)
        listed = [each.release for each in wiring.site_releases.list(name)]
        if find_release(first, listed) != pointer.release:
            raise RefusedError(
                f"{first} is not the live release of site/{name}",
                hint=f"Write {short(pointer.release)} first, or promote {first}.",
            )
        begun = wiring.site_traffic.split(
            pointer,
            find_release(second, listed),
            share=share,
            seconds=seconds,
            owner=who_asks(),
            reason=reason,
        )
        report = SplitReport(split=begun)
        show(report, as_json=as_json, for_people=lambda: _tell(report))


@click.command("end-split")
@click.argument("name", shell_complete=complete_site)
@campaign_option
@json_option
def end_split(name: str, *, campaign: str, as_json: bool) -> None:
    """End the split of site NAME: everybody sees the live release again."""
    with errors_explained(as_json=as_json):
        open_wiring(campaign).site_traffic.end(
            f"{SITE_SPLITS}{name}", owner=who_asks(), what=f"split of site/{name}"
        )


def _tell(report: SplitReport) -> None:
    its = report.split
    out.print(
        f"{its.share} % of the visitors of site/{its.site} see {short(its.other)}, the others {short(its.live)}, "
        f"until {print_moment(its.until)}"
    )
