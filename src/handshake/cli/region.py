"""`handshake region` and `collect`: the bucket policy of a region, and the deletion of unneeded objects."""

from __future__ import annotations

from dataclasses import dataclass

import click
from rich.table import Table

from handshake.campaign.retention import CollectionPlan, Retention
from handshake.cli.screen import (
    campaign_option,
    errors_explained,
    json_option,
    out,
    print_report,
    progress,
    who_asks,
)
from handshake.cli.session import open_campaign
from handshake.core.digest import Digest, short
from handshake.core.errors import RefusedError
from handshake.release.node_paths import NodePaths
from handshake.release.regions import Bucket, let_site_publish, let_visitors_read, print_policy


@dataclass(frozen=True, kw_only=True)
class CollectionReport:
    """What would be deleted, or was."""

    is_done: bool
    kept: int
    going: tuple[Digest, ...]
    objects: dict[str, int]
    """By region."""


@click.command()
@click.option(
    "--delete", "is_done", is_flag=True, help="Delete them. Without this, only show what would be deleted."
)
@click.option("--days", default=30, show_default=True, help="How long to keep releases that were live.")
@click.option(
    "--newest", default=5, show_default=True, help="How many releases of each subject to keep in any case."
)
@click.option(
    "--force",
    "forced",
    default="",
    metavar="REASON",
    help="Delete even more than a quarter of a region; the reason.",
)
@campaign_option
@json_option
def collect(*, is_done: bool, days: int, newest: int, forced: str, campaign: str, as_json: bool) -> None:
    """Show which objects no retained release needs, and with `--delete` delete them from every region.

    Retained are releases that are live, stable or among the newest, that were live or made within DAYS, and the
    bases of retained images. A site's own retention applies if it is longer.
    """
    retention = Retention(days=days, newest=newest)
    with errors_explained(as_json=as_json):
        collector = open_campaign(campaign).collector(who_asks())
        with progress(is_quiet=as_json) as bars:
            task = bars.add_task("collect", total=None)
            if is_done:
                plan = collector.collect(
                    retention,
                    lambda done, total: bars.update(task, completed=done, total=total),
                    forced=forced,
                )
            else:
                plan = collector.plan(retention)
        report = _describe(plan, is_done=is_done)
        print_report(report, as_json=as_json, for_people=lambda: _print(report, plan))


def _describe(plan: CollectionPlan, *, is_done: bool) -> CollectionReport:
    return CollectionReport(
        is_done=is_done,
        kept=len(plan.kept),
        going=plan.going,
        objects={region.region: len(region.keys) for region in plan.regions},
    )


def _print(report: CollectionReport, plan: CollectionPlan) -> None:
    table = Table("region", "objects", "unneeded", box=None)
    for region in plan.regions:
        table.add_row(region.region, f"{region.objects:,}", f"{len(region.keys):,}")
    out.print(table)
    names = ", ".join(short(release) for release in report.going) or "none"
    out.print(f"releases kept: {report.kept}; to delete: {names}", markup=False)
    if not report.is_done and plan.count:
        out.print("nothing was changed; `handshake collect --delete` deletes them", markup=False)


# `handshake region`: what to configure at the provider of a bucket.


@dataclass(frozen=True, kw_only=True)
class PolicyReport:
    """A bucket and the policy to set on it."""

    bucket: str
    policy: str


@click.group()
def region() -> None:
    """Regions that are buckets."""


@region.command("policy")
@click.argument("name")
@click.option(
    "--publisher",
    "publishers",
    nargs=2,
    multiple=True,
    metavar="SITE PRINCIPAL",
    help="Let a principal with its own key publish this site and no other. Can be repeated.",
)
@campaign_option
@json_option
def print_region_policy(
    name: str, publishers: tuple[tuple[str, str], ...], *, campaign: str, as_json: bool
) -> None:
    """Print the bucket policy of region NAME: everyone may read sites, and each publisher may write its own.

    Set it with the provider's own tool.
    """
    with errors_explained(as_json=as_json):
        bucket = _find_bucket(open_campaign(campaign).paths, name)
        statements = [*let_visitors_read(bucket)]
        for site, principal in publishers:
            statements += let_site_publish(bucket, site, principal)
        report = PolicyReport(bucket=bucket.name, policy=print_policy(*statements))
        print_report(report, as_json=as_json, for_people=lambda: click.echo(report.policy))


def _find_bucket(paths: NodePaths, region: str) -> Bucket:
    if region not in paths.buckets:
        known = ", ".join(paths.buckets) or "none"
        raise RefusedError(f"region {region} is not a bucket", hint=f"Regions that are buckets: {known}.")
    return paths.buckets[region]
