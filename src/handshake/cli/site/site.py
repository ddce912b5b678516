"""`handshake site`: its verbs, by name."""

from __future__ import annotations

import click

from handshake.cli.site.receive import credential, receive
from handshake.cli.site.releases import diff, ls, show
from handshake.cli.site.traffic import end_split, preview, shown, split

VERBS = (ls, show, diff, credential, receive, preview, split, end_split, shown)


@click.group()
def site() -> None:
    """Inspect, preview and split site releases, and publish them from CI."""


for verb in VERBS:
    site.add_command(verb)
