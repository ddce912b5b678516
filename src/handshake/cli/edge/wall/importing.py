"""`handshake edge wall import`: puts a file of others on a list."""

from __future__ import annotations

from typing import TextIO

import click

from handshake.cli.asking import who_asks
from handshake.cli.edge.enforced import finish
from handshake.cli.edge.live_data import open_live_data
from handshake.cli.edge.options import (
    exact_option,
    for_good_option,
    list_option,
    since_option,
    term_option,
)
from handshake.cli.screen import campaign_option, err, errors_explained, json_option
from handshake.control.wall import Term
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.edge.lists.formats import Entries, read_list


@click.command("import")
@click.argument("file", type=click.File("r", errors="replace"))
@list_option
@term_option
@for_good_option
@exact_option
@click.option("--dry-run", is_flag=True, help="Change nothing; say whom it would have met by the access log.")
@since_option
@click.option("--reason", default="", help="Why, for the journal; needed unless it is a dry run.")
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
    """Put everything in FILE (`-`: standard input) on a list, up to a million entries, for a time or for good.

    Read are: one entry a line, CIDR, `ipset save`, `deny x;` (nginx), fail2ban, Spamhaus DROP, CSV, comments among
    them. Nothing is listed while any line is bad.
    """
    if not reason and not dry_run:
        raise click.UsageError("Missing option '--reason'.")
    if not dry_run and (seconds is None) is not for_good:
        raise click.UsageError("Say for how long: either --for or --for-good.")
    with errors_explained(as_json=as_json):
        wall = open_live_data(campaign).wall(who_asks())
        shape = wall.shape(list_name)
        entries = read_list(shape.kind, file, is_exact=exact)
        _demand_good(entries, file.name)
        if dry_run:
            from handshake.cli.edge.wall.preview import show_dry_run  # noqa: PLC0415 -- a ban needs none of it

            show_dry_run(campaign, shape, entries.found, since=since, as_json=as_json)
            return
        term = Term(seconds=seconds, is_for_good=for_good)
        imported = wall.add_all(list_name, entries, term=term, reason=reason)
        for entry in imported.left_out:
            err.print(
                f"{file.name}:{entries.found[entry]}: {entry} was left out: it touches what is protected"
            )
        finish(imported.done, as_json=as_json)
        wall.tidy(list_name)


def _demand_good(entries: Entries, name: str) -> None:
    problems = [
        Problem(
            check="edge-bad-line",
            what=bad.what,
            where=Location(file=name, line=bad.line, column=bad.column),
            hint="Mend the line or take it out; docs/edge-data.md lists the formats.",
        )
        for bad in entries.bad
    ]
    if not problems and not entries.found:
        problems.append(
            Problem(
                check="edge-empty-file",
                what="the file names no entry",
                where=Location(file=name),
                hint="docs/edge-data.md lists the formats.",
            )
        )
    if problems:
        raise ProblemsError(problems)
