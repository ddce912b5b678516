"""`handshake check`, `plan` and `apply`: check what an operator wrote, show what it would change, make it live."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from handshake.campaign.checks import check_folder, require_folder
from handshake.campaign.policy import PolicyPlan, diff_policies
from handshake.cli.arriving import publish_progress, wait_and_tell
from handshake.cli.completion import complete_release
from handshake.cli.screen import (
    campaign_option,
    errors_explained,
    json_option,
    out,
    print_report,
    progress,
    who_asks,
)
from handshake.cli.session import find_release, open_campaign
from handshake.core.digest import short
from handshake.core.problem import ProblemsError


@dataclass(frozen=True, kw_only=True)
class CheckReport:
    """A folder without problems."""

    folder: str
    problems: tuple[str, ...] = ()


@click.command()
@click.argument("folder", type=click.Path(path_type=Path), default=Path())
@json_option
def check(folder: Path, *, as_json: bool) -> None:
    """Report every problem of the campaign in FOLDER, with file, line and hint. Changes nothing."""
    with errors_explained(as_json=as_json):
        require_folder(folder)
        problems = check_folder(folder)
        if problems:
            raise ProblemsError(problems)
        report = CheckReport(folder=str(folder))
        print_report(report, as_json=as_json, for_people=lambda: out.print(f"{folder}: no problems"))


# `handshake plan`: what applying the folder's policy would change. Moves no pointer.

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False)
@campaign_option
@json_option
def plan(folder: Path | None, *, campaign: str, as_json: bool) -> None:
    """Compile the policy in FOLDER (default: the folder of the running campaign) and show what it would change."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        subject = parts.campaign.policies.subject
        with progress(is_quiet=as_json) as bars:
            source = folder.resolve() if folder else None
            release = parts.publisher().publish(subject, publish_progress(bars, str(subject)), source=source)
        today = parts.live_data.pointers.get(subject)
        before = parts.live_data.fetch(today.release) if today else None
        report = PolicyPlan(
            subject=str(subject),
            release=release,
            from_revision=today.revision if today else 0,
            is_changed=today is None or today.release != release,
            changes=diff_policies(before, parts.live_data.fetch(release)),
            fastly=parts.fastly_planner.plan(parts.campaign.policies.read(release)),
        )
        print_report(report, as_json=as_json, for_people=lambda: _print(report))


def _print(report: PolicyPlan) -> None:
    if not report.is_changed:
        out.print(f"{report.subject}: nothing would change")
        return
    for line in (*report.changes, *report.fastly):
        out.print(line, markup=False, style=_COLOURS.get(line[:1], ""), soft_wrap=True)
    out.print(f"handshake apply {short(report.release)} --from-revision {report.from_revision}")


# `handshake apply`: makes a planned policy live.


@click.command()
@click.argument("release", shell_complete=complete_release)
@click.option("--from-revision", type=int, required=True, help="The revision printed by `handshake plan`.")
@click.option("--reason", default="applied", help="The reason, for the history.")
@click.option(
    "--force",
    "forced",
    default="",
    metavar="REASON",
    help="Apply a policy even if one of its cases fails; the reason, for the journal.",
)
@click.option("--wait", "seconds", default=60.0, show_default=True, help="How long to wait for acks.")
@campaign_option
@json_option
def apply(
    release: str,
    *,
    from_revision: int,
    reason: str,
    forced: str,
    seconds: float,
    campaign: str,
    as_json: bool,
) -> None:
    """Make the policy RELEASE live, as `handshake plan` printed it, unless the policy has changed since.

    Refused if a case of `edge_tests.toml` fails.
    """
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        operator = parts.operator(who_asks())
        moved = operator.promote(
            parts.campaign.policies.subject,
            find_release(release, parts.campaign.releases()),
            reason=reason,
            from_revision=from_revision,
            forced=forced,
        )
        wait_and_tell(operator, moved, seconds=seconds, as_json=as_json)
