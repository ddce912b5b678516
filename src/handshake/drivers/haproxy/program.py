"""The HAProxy program: how it is started, and what it thinks of a configuration."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path

from handshake.core.errors import RefusedError, UnavailableError
from handshake.drivers.process.command import find_program, run_command
from handshake.drivers.process.need import Need

NEED = Need(program="haproxy", reason="as the door and the gateway", package="haproxy")

_VALIDATION_SECONDS = 30.0


@dataclass(frozen=True, kw_only=True)
class HaproxyProgram:
    """One HAProxy: a master, which stays, and workers, which a reload replaces.

    Started by root, the master stays root, so that it can bind again; the workers become the user that
    the configuration's `user` and `group` name. Started by anybody else, all stay who they are.
    """

    configuration: Path
    master_socket: Path

    @property
    def argv(self) -> tuple[str, ...]:
        """The command that runs it in the foreground, logging to standard output and standard error."""
        return (
            str(self._executable()),
            "-W",
            "-S",
            f"{self.master_socket},mode,600",
            "-f",
            str(self.configuration),
        )

    def validate(self, file: Path) -> None:
        """Ask HAProxy whether a configuration can be served; RefusedError with its words where it cannot.

        A warning refuses too: what HAProxy warns of (an answer too large for its buffer, a rule that is
        never reached) is never what was meant.
        """
        argv = (str(self._executable()), "-c", "-dW", "-f", str(file))
        try:
            run_command(argv, timeout_seconds=_VALIDATION_SECONDS)
        except UnavailableError as error:
            if not isinstance(error.__cause__, subprocess.CalledProcessError):
                raise
            raise RefusedError("HAProxy does not accept the configuration", details=error.details) from error

    def _executable(self) -> Path:
        found = find_program(NEED.program)
        if found is None:
            raise UnavailableError("haproxy is not installed", hint=f"sudo apt-get install {NEED.package}")
        return found
