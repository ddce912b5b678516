"""`handshake agent`: the node's agent, as `up` starts it."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from handshake.cli.ending import Ending
from handshake.control.house import load_house
from handshake.core.clock import SystemClock
from handshake.wiring.node import NodeParts

_STOP_SECONDS = 5.0


@click.command(hidden=True)
@click.option(
    "--house", "house_file", required=True, type=click.Path(path_type=Path), help="Written by `up`."
)
def agent(house_file: Path) -> None:
    """Keep this node where the catalogue says it should be."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    ending = Ending()
    wiring = NodeParts(load_house(house_file), SystemClock())
    running, instances = wiring.agent()
    running.run(instances)
    health = wiring.health_server(instances)
    ending.wait()
    health.stop()
    running.stop(_STOP_SECONDS)
