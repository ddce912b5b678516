"""`handshake copy`: selected pages as static files, for the day when nothing behind the edge runs."""

from __future__ import annotations

import sys
from dataclasses import dataclass

import click
from rich.markup import escape

from handshake.cli.arriving import wait_and_tell
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
from handshake.compose.fallback_copy import compose_copier, find_copied_pages, prove_fallback_copy
from handshake.site.copy.copier import PageProof


@dataclass(frozen=True, kw_only=True)
class CopyProofReport:
    """The result of serving from the copy alone."""

    is_proven: bool
    pages: tuple[PageProof, ...]


@click.group()
def copy() -> None:
    """Make and test the fallback copy of selected pages."""


@copy.command()
@click.option("--wait", "seconds", default=60.0, show_default=True, help="How long to wait for acks.")
@campaign_option
@json_option
def make(*, seconds: float, campaign: str, as_json: bool) -> None:
    """Copy the pages of `[fallback_copy]` as the edge serves them now, and promote the copy."""
    with errors_explained(as_json=as_json):
        parts = open_campaign(campaign)
        pages, copier = find_copied_pages(parts.campaign), compose_copier(parts.campaign, who_asks())
        with progress(is_quiet=as_json) as bars:
            task = bars.add_task("copy", total=None)
            pointer = copier.make(pages, lambda path: bars.update(task, description=path))
        wait_and_tell(parts.operator(who_asks()), pointer, seconds=seconds, as_json=as_json)


@copy.command()
@campaign_option
@json_option
def prove(*, campaign: str, as_json: bool) -> None:
    """Test the copy: serve its pages from a separate cache with nothing behind it. Visitors are not affected."""
    with errors_explained(as_json=as_json):
        pages = prove_fallback_copy(open_campaign(campaign).campaign)
        report = CopyProofReport(is_proven=not any(page.fault for page in pages), pages=pages)
        print_report(report, as_json=as_json, for_people=lambda: _print(report))
        if not report.is_proven:
            sys.exit(1)


def _print(report: CopyProofReport) -> None:
    for page in report.pages:
        mark = "[bold red]✗[/]" if page.fault else "[green]✓[/]"
        out.print(f"{mark} {escape(page.path)}  {escape(page.fault)}")
    said = (
        "would be served with nothing behind the edge"
        if report.is_proven
        else "not all pages would be served"
    )
    out.print(f"{len(report.pages)} pages {said}")
