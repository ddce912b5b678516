"""`handshake edge wall`: its verbs, by name."""

from __future__ import annotations

import click

from handshake.cli.edge.wall.add import add
from handshake.cli.edge.wall.exporting import export
from handshake.cli.edge.wall.history import history
from handshake.cli.edge.wall.importing import import_
from handshake.cli.edge.wall.ls import ls
from handshake.cli.edge.wall.remove import remove
from handshake.cli.edge.wall.undo import undo

VERBS = (add, remove, ls, history, undo, import_, export)


@click.group()
def wall() -> None:
    """The wall and other lists: of addresses, networks, texts."""


for verb in VERBS:
    wall.add_command(verb)
