"""The `handshake` program: every verb, by name."""

from __future__ import annotations

import click

from handshake.cli.agent import agent
from handshake.cli.apply import apply
from handshake.cli.bake import bake
from handshake.cli.bundle import bundle
from handshake.cli.check import check
from handshake.cli.collect import collect
from handshake.cli.completion import completion
from handshake.cli.control import control
from handshake.cli.down import down
from handshake.cli.drift import drift
from handshake.cli.drill import drill
from handshake.cli.edge.edge import edge
from handshake.cli.history import history
from handshake.cli.key import key
from handshake.cli.logs import logs
from handshake.cli.node import node
from handshake.cli.plan import plan
from handshake.cli.promote import promote
from handshake.cli.publish import publish
from handshake.cli.rollback import rollback
from handshake.cli.rollout import rollout
from handshake.cli.scale import scale
from handshake.cli.shake import shake
from handshake.cli.site.site import site
from handshake.cli.status import status
from handshake.cli.up import up

VERBS = (
    up,
    down,
    status,
    bake,
    publish,
    shake,
    promote,
    rollback,
    rollout,
    scale,
    bundle,
    drift,
    history,
    check,
    plan,
    apply,
    edge,
    site,
    collect,
    key,
    drill,
    node,
    logs,
    completion,
    agent,
    control,
)


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="handshake")
def main() -> None:
    """Run a small team's whole web presence on immutable infrastructure."""


for verb in VERBS:
    main.add_command(verb)

if __name__ == "__main__":
    main()
