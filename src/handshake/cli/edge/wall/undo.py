"""`handshake edge wall undo`: takes the last change of a list back."""

from __future__ import annotations

import click

from handshake.cli.asking import who_asks
from handshake.cli.edge.enforced import finish
from handshake.cli.edge.live_data import open_live_data
from handshake.cli.edge.options import list_option
from handshake.cli.screen import campaign_option, errors_explained, json_option


@click.command("undo")
@list_option
@campaign_option
@json_option
def undo(*, list_name: str, campaign: str, as_json: bool) -> None:
    """Take back the last change of a list, an import too; twice brings it back."""
    with errors_explained(as_json=as_json):
        wall = open_live_data(campaign).wall(who_asks())
        finish(wall.undo(list_name), as_json=as_json)
        wall.tidy(list_name)
