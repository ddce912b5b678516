"""`handshake publish`: makes a release of a source, in every region."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import click

from handshake.cli.arriving import wait_and_tell
from handshake.cli.asking import who_asks
from handshake.cli.completing import complete_subject
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, progress, show
from handshake.cli.session import open_wiring, read_subject
from handshake.cli.shake import shake_unless_passed
from handshake.cli.telling import say_sent, telling
from handshake.core.digest import Digest, short
from handshake.core.manifest import Manifest
from handshake.core.release import Kind
from handshake.core.upload import Progress as UploadProgress
from handshake.site.contract import parse_contract
from handshake.site.guess import propose_assets


@dataclass(frozen=True, kw_only=True)
class PublishReport:
    """The release that was made."""

    subject: str
    release: Digest
    sent: dict[str, int]
    """Objects that had to travel, by region."""


@click.command()
@click.argument("subject", shell_complete=complete_subject)
@click.argument("source", type=click.Path(path_type=Path, exists=True, file_okay=False), required=False)
@click.option("--promote", "is_promoted", is_flag=True, help="Move the pointer to the release as well.")
@click.option(
    "--verify",
    "is_thorough",
    is_flag=True,
    help="Read back what the regions hold of a site; mend what is damaged.",
)
@click.option("--reason", default="published", help="Why, for the history.")
@click.option(
    "--force",
    "forced",
    default="",
    metavar="REASON",
    help="Promote an image without shaking it, or inside a freeze; why, for the journal.",
)
@click.option("--wait", "seconds", default=300.0, show_default=True, help="How long to wait for acks.")
@campaign_option
@json_option
def publish(
    subject: str,
    source: Path | None,
    *,
    is_promoted: bool,
    is_thorough: bool,
    reason: str,
    forced: str,
    seconds: float,
    campaign: str,
    as_json: bool,
) -> None:
    """Make a release of SUBJECT (site/calls, image/hamm, templates/secretary), of SOURCE or of the campaign's own.

    With `--promote`, an image goes through the contract check before its pointer moves. Where somebody else
    moves the pointer meanwhile, it stays where they put it.
    """
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        operator = wiring.operator(who_asks())
        wanted = read_subject(subject)
        done: dict[str, UploadProgress] = {}
        with progress(is_quiet=as_json) as bars:
            folder = source.resolve() if source else None
            seen = operator.revision(wanted)
            tell = telling(bars, subject, done)
            release = operator.publish(wanted, tell, source=folder, is_thorough=is_thorough)
        if is_promoted:
            if not forced:
                shake_unless_passed(wiring, wanted, release, is_quiet=as_json)
            moved = operator.promote(wanted, release, reason=reason, forced=forced, from_revision=seen)
            wait_and_tell(operator, moved, seconds=seconds, as_json=as_json)
            return
        sent = {region: each.total for region, each in done.items()}
        report = PublishReport(subject=subject, release=release, sent=sent)
        show(report, as_json=as_json, for_people=lambda: _tell(report))
        if wanted.kind is Kind.SITE and not as_json:
            _propose_assets(wiring.manifest_of(release))


def _tell(report: PublishReport) -> None:
    plain = short(report.release)
    out.print(f"{report.subject} {plain} is in every region; {say_sent(report.sent)}", soft_wrap=True)
    out.print(f"To make it live: handshake promote {report.subject} {plain}", soft_wrap=True)


def _propose_assets(manifest: Manifest) -> None:
    declared = parse_contract(manifest.contract).assets
    proposed = propose_assets(file.path for file in manifest.files if not file.path.startswith(declared))
    if proposed:
        out.print(
            f"every name in {', '.join(proposed)} carries a hash: named as assets in site.toml, they are shared "
            "by all releases and kept for a year",
            markup=False,
        )
