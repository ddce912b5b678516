"""`handshake edge wall remove`: takes entries off a list."""

from __future__ import annotations

import click

from handshake.cli.asking import who_asks
from handshake.cli.edge.enforced import finish
from handshake.cli.edge.live_data import open_live_data
from handshake.cli.edge.options import exact_option, list_option
from handshake.cli.screen import campaign_option, err, errors_explained, json_option
from handshake.control.lists.typed import read_typed


@click.command("remove")
@click.argument("entries", nargs=-1, required=True, metavar="ENTRY...")
@list_option
@exact_option
@click.option("--reason", default="removed", help="Why, for the journal.")
@campaign_option
@json_option
def remove(
    entries: tuple[str, ...], *, list_name: str, exact: bool, reason: str, campaign: str, as_json: bool
) -> None:
    """Let each ENTRY in again."""
    with errors_explained(as_json=as_json):
        wall = open_live_data(campaign).wall(who_asks())
        done = wall.remove(list_name, entries, reason=reason, is_exact=exact)
        for entry in read_typed(wall.shape(list_name), entries, is_exact=exact):
            for other in wall.around(list_name, entry):
                err.print(f"[yellow]{entry} is still banned[/]: {other} is on list {list_name}")
        finish(done, as_json=as_json)
        wall.tidy(list_name)
