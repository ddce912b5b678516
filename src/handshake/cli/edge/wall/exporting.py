"""`handshake edge wall export`: prints a list for others."""

from __future__ import annotations

from datetime import UTC, datetime

import click

from handshake.cli.asking import who_asks
from handshake.cli.edge.live_data import open_live_data
from handshake.cli.edge.options import list_option
from handshake.cli.screen import campaign_option, errors_explained, json_option
from handshake.control.lists.word import FOREVER, Standing
from handshake.edge.lists.formats import Format, print_entries


@click.command("export")
@list_option
@click.option(
    "--format",
    "which",
    type=click.Choice([each.value for each in Format]),
    default=Format.PLAIN.value,
    show_default=True,
    help="What for.",
)
@campaign_option
@json_option
def export(*, list_name: str, which: str, campaign: str, as_json: bool) -> None:
    """Print everything that a list holds now; `import` reads each of the formats."""
    with errors_explained(as_json=as_json):
        wall = open_live_data(campaign).wall(who_asks())
        shape, held = wall.shape(list_name), wall.content(list_name)
        form = Format.JSON if as_json else Format(which)
        for line in print_entries(form, list_name, map(_row, held), kind=shape.kind):
            click.echo(line)


def _row(its: Standing) -> tuple[str, str, str, str]:
    ends = its.word.until
    until = "" if ends >= FOREVER else datetime.fromtimestamp(ends, UTC).isoformat()
    return its.word.entry, until, its.origin.author, its.origin.reason
