"""`handshake edge wall add`: puts entries on a list, or says whom they would have met."""

from __future__ import annotations

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
from handshake.cli.screen import campaign_option, errors_explained, json_option
from handshake.control.lists.typed import read_typed
from handshake.control.wall import Term


@click.command("add")
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY...")
@list_option
@term_option
@for_good_option
@exact_option
@click.option("--dry-run", is_flag=True, help="Change nothing; say whom it would have met by the access log.")
@since_option
@click.option("--reason", default="", help="Why, for the journal; needed unless it is a dry run.")
@campaign_option
@json_option
def add(
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
    """Ban each ENTRY: an address, a network or, on a list of texts, a whole text.

    Without --for or --for-good, an entry stays 10 minutes the first time, then 1 hour, 24 hours, 7 days.
    """
    if not reason and not dry_run:
        raise click.UsageError("Missing option '--reason'.")
    if seconds is not None and for_good:
        raise click.UsageError("--for and --for-good exclude one another.")
    with errors_explained(as_json=as_json):
        wall = open_live_data(campaign).wall(who_asks())
        if dry_run:
            from handshake.cli.edge.wall.preview import show_dry_run  # noqa: PLC0415 -- a ban needs none of it

            shape = wall.shape(list_name)
            read = frozenset(read_typed(shape, entries, is_exact=exact))
            show_dry_run(campaign, shape, read, since=since, as_json=as_json)
            return
        term = Term(seconds=seconds, is_for_good=for_good)
        done = wall.add(list_name, entries, term=term, reason=reason, is_exact=exact)
        finish(done, as_json=as_json)
        wall.tidy(list_name)
