"""A supervised Varnish: started where it does not run; it begins with what it served last."""

from __future__ import annotations

from handshake.core.clock import Clock
from handshake.core.errors import HandshakeError, UnavailableError
from handshake.drivers.process.processes import Processes
from handshake.drivers.process.program import Program, State
from handshake.drivers.varnish.cache import VarnishCache
from handshake.drivers.varnish.program import VarnishProgram

_START_SECONDS = 20.0
_PAUSE_SECONDS = 0.1


class SupervisedCache(VarnishCache):
    """The node's cache."""

    def __init__(self, name: str, *, program: VarnishProgram, processes: Processes, clock: Clock) -> None:
        super().__init__(program)
        self._name = name
        self._varnish = program
        self._processes = processes
        self._clock = clock

    def ensure(self) -> bool:
        """Start the program unless it runs; True where it was started now. Returns once it answers."""
        if self._processes.observe(self._name).state is State.RUNNING:
            return False
        self._varnish.lay_out()
        self._processes.start(Program(name=self._name, argv=self._varnish.argv, restart=True))
        deadline = self._clock.monotonic() + _START_SECONDS
        while self._clock.monotonic() < deadline:
            try:
                self.active()
            except HandshakeError:
                self._clock.sleep(_PAUSE_SECONDS)
            else:
                return True
        tail = "\n".join(self._processes.log_tail(self._name))
        raise UnavailableError(f"{self._name} was started and does not answer", details=tail)
