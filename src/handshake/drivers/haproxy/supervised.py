"""A supervised HAProxy: started with its first configuration, then only ever reconfigured."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Mapping
from pathlib import Path

from handshake.core.atomic_file import write_atomically
from handshake.core.clock import Clock
from handshake.core.errors import HandshakeError, UnavailableError
from handshake.drivers.haproxy.maps import Maps
from handshake.drivers.haproxy.program import HaproxyProgram
from handshake.drivers.haproxy.reload import Master, Reload
from handshake.drivers.haproxy.router import HaproxyRouter
from handshake.drivers.haproxy.runtime import Runtime
from handshake.drivers.process.processes import Processes
from handshake.drivers.process.program import Program, ProgramState

_START_SECONDS = 10.0
_PAUSE_SECONDS = 0.05


class SupervisedHaproxy:
    """One HAProxy of this node, in a folder of its own."""

    def __init__(
        self, name: str, *, folder: Path, runtime_socket: Path, processes: Processes, clock: Clock
    ) -> None:
        self._name = name
        self._folder = folder
        self._processes = processes
        self._clock = clock
        self._program = HaproxyProgram(
            configuration=folder / "haproxy.cfg", master_socket=folder / "master.sock"
        )
        self._runtime = Runtime(runtime_socket)
        self._master = Master(self._program.master_socket)
        self._reload = Reload(self._program, self._master, self._runtime, clock)
        self._turn = threading.Lock()

    def ensure(self, text: str) -> bool:
        """Start the program with this configuration unless it runs; True if it was started now.

        Returns once the worker answers. RefusedError, with HAProxy's words, where the text is not valid.
        """
        with self._turn:
            if self._processes.observe(self._name).state is ProgramState.RUNNING:
                return False
            self._folder.mkdir(parents=True, exist_ok=True)
            self._reload.keep(text)
            self._processes.start(Program(name=self._name, argv=self._program.argv, restart=True))
            self._wait()
            return True

    def router(self) -> HaproxyRouter:
        """Return the same program as a gateway's router."""
        return HaproxyRouter(self._runtime, self._master, self._reload)

    def digest(self) -> str:
        """Return what the running worker says it serves."""
        return self._runtime.info().description

    def process(self) -> int:
        """Return which worker answers."""
        return self._runtime.info().process

    def reconfigure(self, text: str, digest: str) -> None:
        """Make it serve another configuration without losing a request."""
        self._reload.serve(text, digest)

    def _wait(self) -> None:
        deadline = self._clock.monotonic() + _START_SECONDS
        while self._clock.monotonic() < deadline:
            try:
                self._runtime.info()
            except HandshakeError:
                self._clock.sleep(_PAUSE_SECONDS)
            else:
                return
        tail = "\n".join(self._processes.log_tail(self._name))
        raise UnavailableError(f"{self._name} was started but does not answer", details=tail)


class SupervisedIngress(SupervisedHaproxy):
    """The same with maps: the edge's ingress."""

    def __init__(
        self,
        name: str,
        *,
        folder: Path,
        runtime_socket: Path,
        maps: Path,
        processes: Processes,
        clock: Clock,
    ) -> None:
        super().__init__(name, folder=folder, runtime_socket=runtime_socket, processes=processes, clock=clock)
        self._folder_of_maps = maps
        self._maps = Maps(self._runtime)

    def show_map(self, name: str) -> dict[str, str]:
        """Return what a map of the running program holds."""
        return self._maps.show(self._path(name))

    def count(self, name: str) -> int:
        """Return how many entries a map of the running program has."""
        return self._maps.count(self._path(name))

    def look_up(self, name: str, key: str) -> tuple[str, str] | None:
        """Return key and value of the entry that judges a request; None if there is none."""
        found = self._maps.look_up(self._path(name), key)
        return (found.key, found.value) if found else None

    def add(self, name: str, key: str, value: str) -> None:
        """Give a value to a key that has none."""
        self._maps.add(self._path(name), key, value)

    def put(self, name: str, key: str, value: str) -> None:
        """Give one key of a map a value."""
        self._maps.put(self._path(name), key, value)

    def remove(self, name: str, key: str) -> None:
        """Forget one key of a map."""
        self._maps.remove(self._path(name), key)

    def replace_map(self, name: str, entries: Iterable[tuple[str, str]]) -> None:
        """Replace a whole map in one step."""
        self._maps.replace_by(self._path(name), entries)

    def keep_map(self, name: str, entries: Mapping[str, str]) -> None:
        """Leave a map where the next start or reload finds it."""
        self._folder_of_maps.mkdir(parents=True, exist_ok=True)
        file = self._folder_of_maps / name
        write_atomically(file, "".join(f"{key} {value}\n" for key, value in entries.items()))

    def _path(self, name: str) -> str:
        return str(self._folder_of_maps / name)
