"""`handshake region`: what a provider must be told of a region that is a bucket."""

from __future__ import annotations

from dataclasses import dataclass

import click

from handshake.cli.screen import campaign_option, errors_explained, json_option, show
from handshake.cli.session import open_wiring
from handshake.control.house import House
from handshake.core.bucket import Bucket
from handshake.core.bucket_policy import let_site_publish, let_visitors_read, print_policy
from handshake.core.errors import RefusedError


@dataclass(frozen=True, kw_only=True)
class PolicyReport:
    """A bucket and the policy that it shall have."""

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
    help="Let somebody who has a key of their own publish this site, and no other one; may be repeated.",
)
@campaign_option
@json_option
def print_region_policy(
    name: str, publishers: tuple[tuple[str, str], ...], *, campaign: str, as_json: bool
) -> None:
    """Print the bucket policy of region NAME: anybody may read sites, and each publisher may write their own.

    It is set with the provider's own tool.
    """
    with errors_explained(as_json=as_json):
        bucket = _find_bucket(open_wiring(campaign).house, name)
        statements = [*let_visitors_read(bucket)]
        for site, principal in publishers:
            statements += let_site_publish(bucket, site, principal)
        report = PolicyReport(bucket=bucket.name, policy=print_policy(*statements))
        show(report, as_json=as_json, for_people=lambda: click.echo(report.policy))


def _find_bucket(house: House, region: str) -> Bucket:
    if region not in house.buckets:
        known = ", ".join(house.buckets) or "none"
        raise RefusedError(f"no region {region} is a bucket", hint=f"Regions that are: {known}.")
    return house.buckets[region]
