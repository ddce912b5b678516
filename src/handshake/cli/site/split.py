"""`handshake site split`: a share of visitors sees another release."""

from __future__ import annotations

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
from handshake.control.site_traffic import SiteSplit, demand_site
from handshake.core.digest import short
from handshake.core.errors import RefusedError


@dataclass(frozen=True, kw_only=True)
class SplitReport:
    """A split as it begins."""

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
    "--share", type=click.IntRange(1, 99), required=True, help="Percent of visitors who see SECOND."
)
@click.option(
    "--for", "seconds", type=DurationType(), default="7d", show_default=True, help="How long: 2h, 7d."
)
@click.option("--reason", required=True, help="Why, for the journal.")
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
    """Let a share of site NAME's visitors see release SECOND instead of FIRST, which is live, and go on seeing it.

    Waits until every cache does so.
    """
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        pointer = demand_site(name, wiring.pointers.get)
        listed = [each.release for each in wiring.site_releases.list(name)]
        if find_release(first, listed) != pointer.release:
            raise RefusedError(
                f"{first} is not the live release of site/{name}",
                hint=f"Write {short(pointer.release)} first, or promote {first}.",
            )
        other = find_release(second, listed)
        route_release(other, wiring.manifest_of(other))
        begun = wiring.site_traffic.split(
            pointer,
            other,
            share=share,
            seconds=seconds,
            owner=who_asks(),
            reason=reason,
        )
        arrival = wait_for_caches(wiring, f"split of site/{name}", seconds=seconds_waited, is_quiet=as_json)
        report = SplitReport(split=begun, arrival=arrival)
        show(report, as_json=as_json, for_people=lambda: _tell(report))
        exit_unless_served(arrival, seconds=seconds_waited)


@click.command("end-split")
@click.argument("name", shell_complete=complete_site)
@wait_option
@campaign_option
@json_option
def end_split(name: str, *, seconds_waited: float, campaign: str, as_json: bool) -> None:
    """End the split of site NAME: everybody sees the live release again. Waits until every cache shows it."""
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        wiring.site_traffic.end_split(name, owner=who_asks())
        what = f"end of the split of site/{name}"
        arrival = wait_for_caches(wiring, what, seconds=seconds_waited, is_quiet=as_json)
        report = EndedSplitReport(site=name, arrival=arrival)
        show(report, as_json=as_json, for_people=lambda: _tell_end(report))
        exit_unless_served(arrival, seconds=seconds_waited)


def _tell(report: SplitReport) -> None:
    its = report.split
    out.print(
        f"{its.share} % of the visitors of site/{its.site} see {short(its.other)}, the others {short(its.live)}, "
        f"until {print_moment(its.until)}"
    )
    tell_arrival(report.arrival)


def _tell_end(report: EndedSplitReport) -> None:
    out.print(f"the split of site/{report.site} has ended", markup=False)
    tell_arrival(report.arrival)
