"""`handshake site`: its verbs, by name."""

from __future__ import annotations

import click

from handshake.cli.site.diff import diff
from handshake.cli.site.ls import ls
from handshake.cli.site.show import show

VERBS = (ls, show, diff)


@click.group()
def site() -> None:
    """Look at the releases of sites."""


for verb in VERBS:
    site.add_command(verb)
