"""`handshake site shown`: previews and splits, and how many requests each arm has answered."""

from __future__ import annotations

from dataclasses import dataclass

import click
from rich.markup import escape
from rich.table import Table

from handshake.cli.durations import DurationType
from handshake.cli.edge.options import print_moment
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, show
from handshake.cli.session import open_wiring
from handshake.control.access_log import AccessLog
from handshake.control.site_arms import ArmCount, count_arms
from handshake.control.site_traffic import Preview, SiteSplit
from handshake.core.digest import short


@dataclass(frozen=True, kw_only=True)
class ShownReport:
    """What visitors may see beside the live releases."""

    previews: tuple[Preview, ...]
    splits: tuple[SiteSplit, ...]
    arms: tuple[ArmCount, ...]


@click.command()
@click.option(
    "--since", type=DurationType(), default="24h", show_default=True, help="How far back arms are counted."
)
@campaign_option
@json_option
def shown(*, since: float, campaign: str, as_json: bool) -> None:
    """Show every preview and split, who made it and until when, and what each arm of a split has answered."""
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        traffic = wiring.site_traffic.read()
        sites = wiring.demand_live().policy.campaign.sites
        mounts = {its.site: sites[its.site].mount for its in traffic.splits if its.site in sites}
        after = wiring.clock.now() - since
        arms = count_arms(AccessLog(wiring.house.programs / "door" / "log"), mounts, after)
        report = ShownReport(previews=traffic.previews, splits=traffic.splits, arms=arms)
        show(report, as_json=as_json, for_people=lambda: _tell(report))


def _tell(report: ShownReport) -> None:
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
