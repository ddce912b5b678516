"""The processes that `up` starts: the node's agent, and the control process with the leader and the dashboard."""

from __future__ import annotations

import logging
import signal
import threading
from pathlib import Path

import click

from handshake.compose.agent import compose_agent
from handshake.compose.leader import compose_leader
from handshake.core.clock import SystemClock
from handshake.release.node_paths import NodePaths, load_node, require_schema
from handshake.web.app import build_app

_STOP_SECONDS = 5.0


@click.command(hidden=True)
@click.option(
    "--node-file", "node_file", required=True, type=click.Path(path_type=Path), help="Written by `up`."
)
def agent(node_file: Path) -> None:
    """Run this node's agent: keep the node in the state that the catalogue asks for."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    ending = StopSignal()
    process = compose_agent(_load(node_file), SystemClock())
    process.agent.run(process.instances)
    health = process.serve_health()
    ending.wait()
    health.stop()
    process.agent.stop(_STOP_SECONDS)


# `handshake control`: the control process that `up` starts: the leader and the dashboard.


@click.command(hidden=True)
@click.option(
    "--node-file", "node_file", required=True, type=click.Path(path_type=Path), help="Written by `up`."
)
def control(node_file: Path) -> None:
    """Run the control process: lead the campaign unless another process does, and serve the dashboard."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    ending = StopSignal()
    process = compose_leader(_load(node_file), SystemClock())
    app = build_app(read_status=process.read_status, read_journal=process.read_journal)
    dashboard = process.serve_dashboard(app)
    process.leader.start()
    process.copying.start()
    ending.wait()
    process.copying.stop(_STOP_SECONDS)
    process.leader.stop(_STOP_SECONDS)
    dashboard.stop()


def _load(node_file: Path) -> NodePaths:
    """Return the campaign; a supervisor may start a newer version over an older campaign's data, which is refused."""
    paths = load_node(node_file)
    require_schema(paths)
    return paths


# How a process of the campaign is told to stop.

_LOOK_SECONDS = 1.0


class StopSignal:
    """Handles SIGTERM and SIGINT from the moment it is made."""

    def __init__(self) -> None:
        self._told = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, lambda *_: self._told.set())

    def wait(self) -> None:
        """Return once the process was told to stop.

        The kernel may deliver the signal to any thread, after a SIGCONT for example; Python's handler runs in this one,
        and a wait without a timeout would not notice.
        """
        while not self._told.wait(_LOOK_SECONDS):
            pass
