"""A supervised static file server: one region of the object store, as the edge reaches it."""

from __future__ import annotations

import urllib3

from handshake.core.atomic_file import write_atomically
from handshake.drivers.nginx.program import RegionServer, nginx_argv, print_configuration
from handshake.drivers.process.processes import Processes
from handshake.drivers.process.program import Program, State

_OK = 200


class SupervisedRegion:
    """One region's server on this node."""

    def __init__(self, name: str, *, server: RegionServer, processes: Processes) -> None:
        self._name = name
        self._server = server
        self._processes = processes
        self._http = urllib3.PoolManager(timeout=1.0, retries=False)

    @property
    def name(self) -> str:
        """The program's name."""
        return self._name

    def ensure(self) -> bool:
        """Start the server unless it runs; True where it was started now."""
        if self._processes.observe(self._name).state is State.RUNNING:
            return False
        self._server.state.mkdir(parents=True, exist_ok=True)
        write_atomically(self._server.configuration, print_configuration(self._server))
        # nginx's master binds and reads as root, and its worker becomes the user that the configuration names.
        self._processes.start(Program(name=self._name, argv=nginx_argv(self._server), restart=True))
        return True

    def answers(self) -> bool:
        """Whether the server answers."""
        try:
            return self._http.request("GET", self._server.health_url).status == _OK
        except urllib3.exceptions.HTTPError:
            return False
