"""This machine: programs that it must have, ports that must be free, builds that run on it."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from handshake.core.problem import Location, Problem
from handshake.drivers.haproxy.program import NEED as HAPROXY_NEED
from handshake.drivers.process.command import run_command
from handshake.drivers.process.need import Need, missing_programs
from handshake.drivers.process.ports import check_port
from handshake.drivers.sandbox.sandboxes import NEEDS as SANDBOX_NEEDS
from handshake.drivers.varnish.program import NEED as VARNISH_NEED

BUILD_SECONDS = 600.0


def run_build(command: Sequence[str], folder: Path) -> None:
    """Run a site's build in its folder, with the platform's own Python first on PATH."""
    path = f"{Path(sys.executable).parent}:{os.environ.get('PATH', os.defpath)}"
    environment = {**os.environ, "PATH": path}
    run_command(command, timeout_seconds=BUILD_SECONDS, environment=environment, folder=folder)


def find_missing_programs() -> list[Problem]:
    """Return a problem for every program that a house on one machine needs and does not find."""
    needs = (
        HAPROXY_NEED,
        VARNISH_NEED,
        Need(program="redis-server", reason="as the stores", package="redis-server"),
        Need(program="nginx", reason="as the regions' file servers", package="nginx-light"),
        *SANDBOX_NEEDS,
    )
    return missing_programs(needs)


def find_port_holder(port: int, needed_by: str, where: Location) -> list[Problem]:
    """Return a problem where somebody else listens on a port that we need."""
    return check_port(port, needed_by=needed_by, where=where)
