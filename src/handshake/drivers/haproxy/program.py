"""The HAProxy program: its start, and its configuration file, which always holds a valid configuration."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from handshake.core.atomic_file import write_atomically
from handshake.core.errors import RefusedError, UnavailableError
from handshake.drivers.process.command import Need, ProgramFailedError, find_program, run_command

NEED = Need(program="haproxy", reason="as the ingress and the gateway", package="haproxy")

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
        except ProgramFailedError as error:
            raise RefusedError("HAProxy does not accept the configuration", details=error.details) from error

    def _executable(self) -> Path:
        found = find_program(NEED.program)
        if found is None:
            raise UnavailableError("haproxy is not installed", hint=f"sudo apt-get install {NEED.package}")
        return found


# The configuration file of one program: always one that HAProxy accepts, and only its owner reads it.

_OWNER_ALONE = 0o600
"""A configuration may hold keys; HAProxy reads it before it becomes another user."""


class Configuration:
    """The file that a program starts and reloads with."""

    def __init__(self, program: HaproxyProgram) -> None:
        self._program = program

    def read(self) -> str:
        """Return the text in force; empty if there is none yet."""
        try:
            return self._program.configuration.read_text(encoding="utf-8")
        except FileNotFoundError:
            return ""

    def install(self, text: str) -> None:
        """Put a text in place, durably, if HAProxy accepts it; RefusedError where not, and the old one stays."""
        write_atomically(self._program.configuration, text, mode=_OWNER_ALONE, prepare=self._program.validate)

    def restore(self, text: str) -> None:
        """Put back a text that was in force before."""
        write_atomically(self._program.configuration, text, mode=_OWNER_ALONE)
