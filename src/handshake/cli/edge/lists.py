"""Lists as files: imported, exported, and their history."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import TextIO

import click
from rich.markup import escape
from rich.table import Table

from handshake.cli.edge.live_data import (
    exact_option,
    finish,
    for_good_option,
    list_option,
    open_live_data,
    print_moment,
    since_option,
    term_option,
)
from handshake.cli.screen import (
    campaign_option,
    err,
    errors_explained,
    json_option,
    out,
    print_report,
    who_asks,
)
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.edge.lists.changes import FOREVER, EntryState, ListDelta
from handshake.edge.lists.editor import Term
from handshake.edge.lists.formats import Entries, Format, print_entries, read_list


@click.command("import")
@click.argument("file", type=click.File("r", errors="replace"))
@list_option
@term_option
@for_good_option
@exact_option
@click.option(
    "--dry-run",
    is_flag=True,
    help="Change nothing; show which clients would have matched, from the access log.",
)
@since_option
@click.option("--reason", default="", help="The reason, for the journal. Required except for a dry run.")
@campaign_option
@json_option
def import_(
    file: TextIO,
    *,
    list_name: str,
    seconds: float | None,
    for_good: bool,
    exact: bool,
    dry_run: bool,
    since: float,
    reason: str,
    campaign: str,
    as_json: bool,
) -> None:
    """Add every entry in FILE (`-`: standard input) to a list, up to a million, for a limited time or for good.

    Formats: one entry a line, CIDR, `ipset save`, `deny x;` (nginx), fail2ban, Spamhaus DROP, CSV; comments are
    ignored. If any line is invalid, nothing is added.
    """
    if not reason and not dry_run:
        raise click.UsageError("Missing option '--reason'.")
    if not dry_run and (seconds is None) is not for_good:
        raise click.UsageError("Specify either --for or --for-good.")
    with errors_explained(as_json=as_json):
        wall = open_live_data(campaign).list_editor(who_asks())
        shape = wall.shape(list_name)
        entries = read_list(shape.kind, file, is_exact=exact)
        _require_good(entries, file.name)
        if dry_run:
            from handshake.cli.edge.list_report import show_dry_run  # noqa: PLC0415 -- a ban needs none of it

            show_dry_run(campaign, shape, entries.found, since=since, as_json=as_json)
            return
        term = Term(seconds=seconds, is_for_good=for_good)
        imported = wall.add_all(list_name, entries, term=term, reason=reason)
        for entry in imported.left_out:
            err.print(
                f"{file.name}:{entries.found[entry]}: {entry} was skipped: it overlaps a protected entry"
            )
        finish(imported.done, as_json=as_json)
        wall.tidy(list_name)


def _require_good(entries: Entries, name: str) -> None:
    problems = [
        Problem(
            check="edge-bad-line",
            what=bad.what,
            where=Location(file=name, line=bad.line, column=bad.column),
            hint="Correct the line or remove it; docs/reference/list-formats.md lists the formats.",
        )
        for bad in entries.bad
    ]
    if not problems and not entries.found:
        problems.append(
            Problem(
                check="edge-empty-file",
                what="the file contains no entries",
                where=Location(file=name),
                hint="docs/reference/list-formats.md lists the formats.",
            )
        )
    if problems:
        raise ProblemsError(problems)


# `handshake edge list export`: prints a list for use elsewhere.


@click.command("export")
@list_option
@click.option(
    "--format",
    "which",
    type=click.Choice([each.value for each in Format]),
    default=Format.PLAIN.value,
    show_default=True,
    help="The format to print.",
)
@campaign_option
@json_option
def export(*, list_name: str, which: str, campaign: str, as_json: bool) -> None:
    """Print every current entry of a list. `import` reads each of these formats."""
    with errors_explained(as_json=as_json):
        wall = open_live_data(campaign).list_editor(who_asks())
        shape, held = wall.shape(list_name), wall.content(list_name)
        form = Format.JSON if as_json else Format(which)
        for line in print_entries(form, list_name, map(_row, held), kind=shape.kind):
            click.echo(line)


def _row(its: EntryState) -> tuple[str, str, str, str]:
    ends = its.word.until
    until = "" if ends >= FOREVER else datetime.fromtimestamp(ends, UTC).isoformat()
    return its.word.entry, until, its.origin.author, its.origin.reason


# `handshake edge list history`: the changes of a list.


@dataclass(frozen=True, kw_only=True)
class ListHistory:
    """The changes of a list, newest first."""

    name: str
    said: tuple[ListDelta, ...]


@click.command("history")
@list_option
@click.option("-n", "--newest", type=int, default=20, show_default=True, help="How many to show.")
@campaign_option
@json_option
def history(*, list_name: str, newest: int, campaign: str, as_json: bool) -> None:
    """Show who changed a list, when and why. Rollbacks do not affect lists."""
    with errors_explained(as_json=as_json):
        live = open_live_data(campaign)
        live.list_editor(who_asks()).shape(list_name)
        report = ListHistory(name=list_name, said=tuple(live.lists.history(list_name, newest)))
        print_report(report, as_json=as_json, for_people=lambda: _print(report))


def _print(report: ListHistory) -> None:
    table = Table("when", "what", "by", "reason", box=None)
    for delta in report.said:
        its = delta.origin
        table.add_row(print_moment(its.at), escape(delta.what), escape(its.author), escape(its.reason))
    out.print(table)
