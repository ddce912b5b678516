"""`handshake plan`: what applying the folder's policy would change. Moves nothing."""

from __future__ import annotations

from pathlib import Path

import click

from handshake.cli.screen import campaign_option, errors_explained, json_option, out, progress, show
from handshake.cli.session import open_wiring
from handshake.cli.telling import telling
from handshake.control.policy_plan import PolicyPlan, diff_policies
from handshake.core.digest import short

_COLOURS = {"+": "green", "-": "red", "@": "cyan"}


@click.command()
@click.argument("folder", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False)
@campaign_option
@json_option
def plan(folder: Path | None, *, campaign: str, as_json: bool) -> None:
    """Compile the policy in FOLDER (by default the one the campaign was started from) and print what would change."""
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        subject = wiring.policies.subject
        with progress(is_quiet=as_json) as bars:
            source = folder.resolve() if folder else None
            release = wiring.publisher().publish(subject, telling(bars, str(subject)), source=source)
        today = wiring.pointers.get(subject)
        before = wiring.fetch(today.release) if today else None
        report = PolicyPlan(
            subject=str(subject),
            release=release,
            from_revision=today.revision if today else 0,
            is_changed=today is None or today.release != release,
            changes=diff_policies(before, wiring.fetch(release)),
            fastly=wiring.fastly_planner().plan(wiring.policies.read(release)),
        )
        show(report, as_json=as_json, for_people=lambda: _tell(report))


def _tell(report: PolicyPlan) -> None:
    if not report.is_changed:
        out.print(f"{report.subject}: nothing would change")
        return
    for line in (*report.changes, *report.fastly):
        out.print(line, markup=False, style=_COLOURS.get(line[:1], ""), soft_wrap=True)
    out.print(f"handshake apply {short(report.release)} --from-revision {report.from_revision}")
