"""`handshake history`: every value that a pointer had."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime

import click
from rich.markup import escape
from rich.table import Table

from handshake.cli.completing import complete_subject
from handshake.cli.screen import campaign_option, errors_explained, json_option, out, show
from handshake.cli.session import open_wiring, read_subject
from handshake.core.digest import short
from handshake.core.pointer import Pointer


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
    """Show every release that SUBJECT's pointer named: when, by whom, why."""
    with errors_explained(as_json=as_json):
        wiring = open_wiring(campaign)
        pointers = wiring.pointers.history(read_subject(subject))
        report = HistoryReport(subject=subject, pointers=pointers)
        show(report, as_json=as_json, for_people=lambda: _tell(report))


def _tell(report: HistoryReport) -> None:
    table = Table("revision", "release", "when", "by", "reason", box=None)
    for pointer in report.pointers:
        when = datetime.fromtimestamp(pointer.moved_at, UTC).strftime("%Y-%m-%d %H:%M:%S")
        table.add_row(
            str(pointer.revision), short(pointer.release), when, pointer.moved_by, escape(pointer.reason)
        )
    out.print(table)
