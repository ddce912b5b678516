"""`handshake site`: its verbs, by name."""

from __future__ import annotations

import click

from handshake.cli.site.credential import credential
from handshake.cli.site.diff import diff
from handshake.cli.site.ls import ls
from handshake.cli.site.preview import preview
from handshake.cli.site.receive import receive
from handshake.cli.site.show import show
from handshake.cli.site.shown import shown
from handshake.cli.site.split import end_split, split

VERBS = (ls, show, diff, credential, receive, preview, split, end_split, shown)


@click.group()
def site() -> None:
    """Look at the releases of sites, and let others publish them."""


for verb in VERBS:
    site.add_command(verb)
