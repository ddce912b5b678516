"""`handshake contract check`: runs the contract check on an image."""

from __future__ import annotations

import sys

import click
from rich.progress import Progress

from handshake.cli.arriving import publish_progress
from handshake.cli.completion import complete_service
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
from handshake.compose.cli import CliParts
from handshake.core.digest import Digest, short
from handshake.core.subject import Kind, Subject
from handshake.image.contract_check.check import Tell
from handshake.image.contract_check.promises import PROMISES
from handshake.image.contract_check.report import ContractJudgement, ContractReport
from handshake.image.contract_check.trial import PromiseRuling

_MARKS = {
    PromiseRuling.KEPT: "[green]✓[/]",
    PromiseRuling.BROKEN: "[red]✗[/]",
    PromiseRuling.NOT_MADE: "[dim]-[/]",
    PromiseRuling.UNKNOWN: "[yellow]?[/]",
}


@click.group()
def contract() -> None:
    """Check what images promise: port, health, SIGTERM, read-only root, logs."""


@contract.command()
@click.argument("image", shell_complete=complete_service)
@campaign_option
@json_option
def check(image: str, *, campaign: str, as_json: bool) -> None:
    """Run the contract check on IMAGE: a service, whose source is published first, or a release id prefix.

    Its instances run in their sandboxes, beside the campaign and with stores of their own. The exit status is 0
    only if every promise is kept.
    """
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        with progress(is_quiet=as_json) as bars:
            subject, release = _find(parts, image, bars)
            report = parts.contract_check(who_asks()).run(subject, release, _bar(bars, subject))
        print_report(report, as_json=as_json, for_people=lambda: _print_report(report))
        if not report.passed:
            sys.exit(1)


def check_contract_unless_passed(
    parts: CliParts, subject: Subject, release: Digest, *, is_quiet: bool
) -> None:
    """Run the contract check on an image that has not passed yet, and print the report if it fails."""
    if subject.kind is not Kind.IMAGE:
        return
    with progress(is_quiet=is_quiet) as bars:
        check = parts.contract_check(who_asks())
        report = check.run_unless_passed(subject, release, _bar(bars, subject))
    if not report.passed and not is_quiet:
        _print_report(report)


def _bar(bars: Progress, subject: Subject) -> Tell:
    task = bars.add_task(f"{subject}: shaking", total=len(PROMISES))
    return lambda done, promise: bars.update(task, completed=done, description=f"{subject}: {promise.name}")


def _print_report(report: ContractReport) -> None:
    for judgement in report.judgements:
        _print_judgement(judgement)
    end = "[green]keeps its promises[/]" if report.passed else "[red]does not keep its promises[/]"
    out.print(f"image/{report.service} {short(report.release)} {end} ({report.seconds:.1f} s)")


def _print_judgement(judgement: ContractJudgement) -> None:
    finding = judgement.finding
    out.print(f"{_MARKS[finding.ruling]} {judgement.promise}: ", end="")
    out.print(finding.said, markup=False, style="dim", soft_wrap=True)
    if finding.ruling is not PromiseRuling.BROKEN:
        return
    for line in finding.evidence:
        out.print(f"    | {line}", markup=False, style="dim", soft_wrap=True)
    out.print(
        f"    → it {judgement.sentence}: docs/promises/{judgement.promise}.md", markup=False, soft_wrap=True
    )


def _find(parts: CliParts, image: str, bars: Progress) -> tuple[Subject, Digest]:
    """Return the image built from a service's current source, or the named release, with its service."""
    subject = Subject(kind=Kind.IMAGE, name=image.removeprefix("image/"))
    publisher = parts.publisher()
    if subject in publisher.subjects():
        return subject, publisher.publish(subject, publish_progress(bars, str(subject)))
    release = find_release(image, parts.campaign.releases())
    return parts.campaign.subject_of(release), release
