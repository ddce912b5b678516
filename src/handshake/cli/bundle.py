"""`handshake bundle`: several pointers moved together, in stages, and undone in reverse."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import click
from rich.markup import escape
from rich.table import Table

from handshake.cli.screen import (
    campaign_option,
    errors_explained,
    json_option,
    out,
    print_report,
    progress,
    who_asks,
)
from handshake.cli.session import find_release, open_campaign, read_subject
from handshake.compose.cli import CliParts
from handshake.core.digest import Digest, short
from handshake.core.subject import Subject
from handshake.fleet.bundle_store import BundleStatus
from handshake.fleet.bundles import BundleState

_LOOK_SECONDS = 0.2
_wait = click.option(
    "--wait", "seconds", default=600.0, show_default=True, help="How long to wait for the bundle to end."
)


@dataclass(frozen=True, kw_only=True)
class BundlesReport:
    """Bundles, newest first."""

    bundles: tuple[BundleStatus, ...]


@click.group()
def bundle() -> None:
    """Move several pointers together: services first, then templates, policy and sites."""


@bundle.command()
@click.argument("items", nargs=-1, required=True, metavar="SUBJECT=RELEASE...")
@click.option("--reason", required=True, help="The reason, for the history.")
@click.option(
    "--force",
    "forced",
    default="",
    metavar="REASON",
    help="Promote despite a failed contract check or a freeze; the reason.",
)
@_wait
@campaign_option
@json_option
def promote(
    items: tuple[str, ...], *, reason: str, forced: str, seconds: float, campaign: str, as_json: bool
) -> None:
    """Move every SUBJECT's pointer to its RELEASE, stage by stage. If one fails, all are moved back."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        releases = dict(_read_item(item, parts) for item in items)
        made = parts.bundles(who_asks()).promote(releases, reason=reason, forced=forced)
        _wait_and_tell(parts, made.id, BundleState.DONE, seconds=seconds, as_json=as_json)


@bundle.command()
@click.argument("identity", metavar="BUNDLE")
@click.option("--reason", required=True, help="The reason, for the history.")
@_wait
@campaign_option
@json_option
def undo(identity: str, *, reason: str, seconds: float, campaign: str, as_json: bool) -> None:
    """Move back everything that BUNDLE moved, in reverse order. Pointers moved by others since stay."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        parts.bundles(who_asks()).undo(identity, reason=reason)
        _wait_and_tell(parts, identity, BundleState.UNDONE, seconds=seconds, as_json=as_json)


@bundle.command()
@click.argument("identity", metavar="BUNDLE", default="")
@campaign_option
@json_option
def status(identity: str, *, campaign: str, as_json: bool) -> None:
    """Show every bundle, or one BUNDLE: what it moves, its progress, and what it waits for."""
    with errors_explained(as_json=as_json):
        known = open_campaign(campaign).bundles(who_asks()).all()
        chosen = tuple(each for each in known if each.bundle.id.startswith(identity))
        print_report(BundlesReport(bundles=chosen), as_json=as_json, for_people=lambda: _print(chosen))


def _read_item(item: str, parts: CliParts) -> tuple[Subject, Digest]:
    subject, _, release = item.partition("=")
    return read_subject(subject), find_release(release, parts.campaign.releases())


def _wait_and_tell(
    parts: CliParts, identity: str, wanted: BundleState, *, seconds: float, as_json: bool
) -> None:
    """Wait until a bundle has ended, and print the result; exit with 1 unless it ended as intended."""
    deadline = parts.clock.monotonic() + seconds
    with progress(is_quiet=as_json) as bars:
        task = bars.add_task(f"bundle {identity}", total=None)
        while (found := _find(parts, identity)).progress.state not in {wanted, BundleState.UNDONE}:
            if parts.clock.monotonic() > deadline:
                break
            bars.update(task, description=found.progress.reason)
            parts.clock.sleep(_LOOK_SECONDS)
    print_report(found, as_json=as_json, for_people=lambda: _print((found,)))
    if found.progress.state is not wanted:
        sys.exit(1)


def _find(parts: CliParts, identity: str) -> BundleStatus:
    return next(each for each in parts.bundles(who_asks()).all() if each.bundle.id == identity)


def _print(bundles: tuple[BundleStatus, ...]) -> None:
    table = Table("bundle", "state", "moves", "by", "reason", box=None)
    for each in bundles:
        moves = "\n".join(f"{item.subject} -> {short(item.to)}" for item in each.bundle.items)
        state = f"{each.progress.state}: {each.progress.reason}"
        table.add_row(each.bundle.id, escape(state), moves, each.bundle.by, escape(each.bundle.reason))
    out.print(table)
