"""`handshake edge`: its verbs, by name."""

from __future__ import annotations

import click

from handshake.cli.edge.decoys import decoys
from handshake.cli.edge.explain import explain_request
from handshake.cli.edge.purge import purge
from handshake.cli.edge.replay import replay_log
from handshake.cli.edge.switch import switch
from handshake.cli.edge.test import test
from handshake.cli.edge.wall.wall import wall

VERBS = (switch, wall, decoys, explain_request, test, replay_log, purge)


@click.group()
def edge() -> None:
    """Switches, lists and pages of the edge, changed without a release; and what its policy does, tried without one."""


for verb in VERBS:
    edge.add_command(verb)
