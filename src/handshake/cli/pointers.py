"""`handshake promote`, `rollback` and `history`: move a pointer, move it back, and show what it named."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import click
from rich.markup import escape
from rich.table import Table

from handshake.cli.arriving import wait_and_tell
from handshake.cli.completion import complete_release, complete_subject
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, print_report, who_asks
from handshake.cli.session import find_release, open_campaign, read_subject
from handshake.core.digest import short
from handshake.pointers.pointer import Pointer


@click.command()
@click.argument("subject", shell_complete=complete_subject)
@click.argument("release", shell_complete=complete_release)
@click.option("--reason", default="promoted", help="The reason, for the history.")
@click.option(
    "--from-revision", default=None, type=int, help="Move only if the pointer is still at this revision."
)
@click.option(
    "--force",
    "forced",
    default="",
    metavar="REASON",
    help="Promote despite a failed contract check or a freeze; the reason, for the journal.",
)
@click.option("--wait", "seconds", default=300.0, show_default=True, help="How long to wait for acks.")
@campaign_option
@json_option
def promote(
    subject: str,
    release: str,
    *,
    reason: str,
    from_revision: int | None,
    forced: str,
    seconds: float,
    campaign: str,
    as_json: bool,
) -> None:
    """Move SUBJECT's pointer to RELEASE (an id prefix is enough), and wait until every place serves it."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        operator = parts.operator(who_asks())
        moved = operator.promote(
            read_subject(subject),
            find_release(release, parts.campaign.releases()),
            reason=reason,
            from_revision=from_revision,
            forced=forced,
        )
        wait_and_tell(operator, moved, seconds=seconds, as_json=as_json)


# `handshake rollback`: moves a pointer back to an earlier release.


@click.command()
@click.argument("subject", shell_complete=complete_subject)
@click.option(
    "--to",
    default="",
    shell_complete=complete_release,
    metavar="RELEASE",
    help="The release to go back to. Default: the previous one.",
)
@click.option("--reason", default="rolled back", help="The reason, for the history.")
@click.option("--wait", "seconds", default=300.0, show_default=True, help="How long to wait for acks.")
@campaign_option
@json_option
def rollback(subject: str, *, to: str, reason: str, seconds: float, campaign: str, as_json: bool) -> None:
    """Move SUBJECT's pointer back, and wait until every place serves the earlier release."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        operator = parts.operator(who_asks())
        release = find_release(to, parts.campaign.releases()) if to else None
        moved = operator.roll_back(read_subject(subject), reason=reason, to=release)
        wait_and_tell(operator, moved, seconds=seconds, as_json=as_json)


# `handshake history`: every value that a pointer has had.


@dataclass(frozen=True, kw_only=True)
class HistoryReport:
    """One subject's pointers, newest first."""

    subject: str
    pointers: tuple[Pointer, ...]


@click.command()
@click.argument("subject", shell_complete=complete_subject)
@campaign_option
@json_option
def history(subject: str, *, campaign: str, as_json: bool) -> None:
    """Show every release that SUBJECT's pointer has named: when, by whom and why."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        pointers = parts.live_data.pointers.history(read_subject(subject))
        report = HistoryReport(subject=subject, pointers=pointers)
        print_report(report, as_json=as_json, for_people=lambda: _print(report))


def _print(report: HistoryReport) -> None:
    table = Table("revision", "release", "when", "by", "reason", box=None)
    for pointer in report.pointers:
        when = datetime.fromtimestamp(pointer.moved_at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(
            str(pointer.revision), short(pointer.release), when, pointer.moved_by, escape(pointer.reason)
        )
    out.print(table)
