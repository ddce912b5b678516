"""`handshake edge wall undo`: takes the last change of a list back."""

from __future__ import annotations

import click

from handshake.cli.edge.enforced import finish
from handshake.cli.edge.options import list_option
from handshake.cli.screen import campaign_option, errors_explained, json_option
from handshake.cli.session import open_wiring, who_asks


@click.command("undo")
@list_option
@campaign_option
@json_option
def undo(*, list_name: str, campaign: str, as_json: bool) -> None:
    """Take back the last change of a list, an import too; twice brings it back."""
    with errors_explained(as_json=as_json):
        wall = open_wiring(campaign).wall(who_asks())
        finish(wall.undo(list_name), as_json=as_json)
        wall.tidy(list_name)
