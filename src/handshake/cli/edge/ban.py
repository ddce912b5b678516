"""Bans: add entries to a list, remove them, and undo the last change."""

from __future__ import annotations

import click

from handshake.cli.edge.live_data import (
    exact_option,
    finish,
    for_good_option,
    list_option,
    open_live_data,
    since_option,
    term_option,
)
from handshake.cli.screen import campaign_option, err, errors_explained, json_option, who_asks
from handshake.edge.lists.editor import Term
from handshake.edge.lists.entries import read_typed


@click.command("ban")
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY...")
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
def ban(
    entries: tuple[str, ...],
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
    """Ban each ENTRY: an address, a network or, on a list of strings, a string.

    Without --for or --for-good, a ban lasts 10 minutes the first time, then 1 hour, 24 hours, 7 days.
    """
    if not reason and not dry_run:
        raise click.UsageError("Missing option '--reason'.")
    if seconds is not None and for_good:
        raise click.UsageError("--for and --for-good are mutually exclusive.")
    with errors_explained(as_json=as_json):
        editor = open_live_data(campaign).list_editor(who_asks())
        if dry_run:
            from handshake.cli.edge.list_report import show_dry_run  # noqa: PLC0415 -- a ban needs none of it

            shape = editor.shape(list_name)
            read = frozenset(read_typed(shape, entries, is_exact=exact))
            show_dry_run(campaign, shape, read, since=since, as_json=as_json)
            return
        term = Term(seconds=seconds, is_for_good=for_good)
        done = editor.add(list_name, entries, term=term, reason=reason, is_exact=exact)
        finish(done, as_json=as_json)
        editor.tidy(list_name)


# `handshake unban`: removes entries from a list.


@click.command("unban")
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY...")
@list_option
@exact_option
@click.option("--reason", default="removed", help="The reason, for the journal.")
@campaign_option
@json_option
def unban(
    entries: tuple[str, ...], *, list_name: str, exact: bool, reason: str, campaign: str, as_json: bool
) -> None:
    """Lift the ban on each ENTRY."""
    with errors_explained(as_json=as_json):
        editor = open_live_data(campaign).list_editor(who_asks())
        done = editor.remove(list_name, entries, reason=reason, is_exact=exact)
        for entry in read_typed(editor.shape(list_name), entries, is_exact=exact):
            for other in editor.around(list_name, entry):
                err.print(f"[yellow]{entry} is still banned[/]: {other} is on list {list_name}")
        finish(done, as_json=as_json)
        editor.tidy(list_name)


# `handshake edge list undo`: reverts the last change of a list.


@click.command("undo")
@list_option
@campaign_option
@json_option
def undo(*, list_name: str, campaign: str, as_json: bool) -> None:
    """Undo the last change of a list, including an import. Running it twice redoes the change."""
    with errors_explained(as_json=as_json):
        editor = open_live_data(campaign).list_editor(who_asks())
        finish(editor.undo(list_name), as_json=as_json)
        editor.tidy(list_name)
