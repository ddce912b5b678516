"""A house's programs and instances, as its lifecycle starts and stops them."""

from __future__ import annotations

from collections.abc import Sequence

from handshake.drivers.process.processes import Processes
from handshake.drivers.process.program import Program, State


class HouseSupervision:
    """Keeps the Supervision Protocol over one node's supervised processes."""

    def __init__(self, *, programs: Processes, instances: Processes) -> None:
        self._programs = programs
        self._instances = instances

    def start(self, name: str, argv: Sequence[str]) -> bool:
        """Start a program that is started again in place when it ends; False where it runs already."""
        if self._programs.observe(name).state is State.RUNNING:
            return False
        self._programs.start(Program(name=name, argv=tuple(argv), restart=True))
        return True

    def stop(self, name: str, seconds: float) -> None:
        """End a program for good, by force after so many seconds."""
        self._programs.stop(name, deadline_seconds=seconds)

    def programs(self) -> tuple[str, ...]:
        """Return the names of all programs that were started and not forgotten."""
        return tuple(seen.name for seen in self._programs.observe_all())

    def instances(self) -> tuple[str, ...]:
        """Return the names of all instances that were launched and not forgotten."""
        return tuple(seen.name for seen in self._instances.observe_all())

    def stop_instance(self, name: str, seconds: float) -> None:
        """End an instance, by force after so many seconds."""
        self._instances.stop(name, deadline_seconds=seconds)

    def log_tail(self, name: str, lines: int = 20) -> tuple[str, ...]:
        """Return the last lines that a program or an instance wrote."""
        return self._programs.log_tail(name, lines) or self._instances.log_tail(name, lines)
