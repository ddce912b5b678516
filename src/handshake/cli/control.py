"""`handshake control`: the control plane, as `up` starts it: the leader and the dashboard."""

from __future__ import annotations

import logging
from pathlib import Path

import click

from handshake.cli.ending import Ending
from handshake.control.house import load_house
from handshake.core.clock import SystemClock
from handshake.web.app import build_app
from handshake.wiring.leading import Leading

_STOP_SECONDS = 5.0


@click.command(hidden=True)
@click.option(
    "--house", "house_file", required=True, type=click.Path(path_type=Path), help="Written by `up`."
)
def control(house_file: Path) -> None:
    """Lead the campaign where nobody else does, and show the dashboard."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    ending = Ending()
    wiring = Leading(load_house(house_file), SystemClock())
    dashboard = wiring.dashboard_server(build_app(read_status=wiring.status, read_journal=wiring.journal))
    leader = wiring.leader_service()
    copying = wiring.copy_service()
    leader.start()
    copying.start()
    ending.wait()
    copying.stop(_STOP_SECONDS)
    leader.stop(_STOP_SECONDS)
    dashboard.stop()
