"""A running Varnish as the edge's cache: one VCL stays active and hands over to a label."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handshake.core.clock import Clock
from handshake.core.errors import HandshakeError, RefusedError, UnavailableError
from handshake.drivers.process.command import ProgramFailedError, run_command
from handshake.drivers.process.processes import Processes
from handshake.drivers.process.program import Program, ProgramState
from handshake.drivers.varnish.program import VarnishProgram, write_file
from handshake.drivers.varnish.purging import forget, warm
from handshake.edge.cache.cache import Purge
from handshake.edge.cache.compile.vcl import compile_root
from handshake.syntax.vcl import print_vcl

_LABEL = "live"
_WARMING_SECONDS = 2.0
_ROOT = "root"


class VarnishCache:
    """A label moves in milliseconds and loses no request, where `vcl.use` would keep old VCLs busy."""

    def __init__(self, program: VarnishProgram, clock: Clock) -> None:
        self._program = program
        self._clock = clock
        self._admin = Admin(program.workdir)

    def active(self) -> str:
        """Return what the label names, if the root that asks the label is active."""
        loaded = self._admin.list_vcls()
        if _ROOT not in loaded or not loaded[_ROOT].is_active:
            return ""
        return loaded[_LABEL].label_of

    def prepare(self, name: str, text: str) -> None:
        """Load a VCL unless it is loaded already; a text that does not compile leaves no trace."""
        if name in self._admin.list_vcls():
            return
        file = self._file(name)
        write_file(file, text)
        try:
            self._admin.ask("vcl.load", name, str(file))
        except RefusedError as error:
            file.unlink()
            raise RefusedError("Varnish does not accept the VCL", details=error.details) from error

    def flip(self, name: str) -> None:
        """Move the label; then note it down, so that Varnish starts with it after a restart."""
        self._admin.ask("vcl.label", _LABEL, name)
        if not self.active():
            self._take_over()
        self._note_down(name)

    def warm(self, requests: Sequence[Mapping[str, str]]) -> int:
        """Ask through the program that serves: it knows every release of which it is told."""
        return warm(self._program.socket, requests, seconds=_WARMING_SECONDS, monotonic=self._clock.monotonic)

    def forget(self, purge: Purge) -> int:
        """Purge through the program that serves, which knows every page by its tags and its URL."""
        return forget(self._program.socket, purge)

    def discard_others(self, *keep: str) -> None:
        """Discard every VCL that is neither kept nor reached through the label."""
        for loaded in self._admin.list_vcls().values():
            is_needed = loaded.is_active or loaded.is_labelled or loaded.label_of
            if not is_needed and loaded.name not in keep:
                self._admin.ask("vcl.discard", loaded.name)
                self._file(loaded.name).unlink(missing_ok=True)

    def _take_over(self) -> None:
        """Put the root in the place of what Varnish began with."""
        file = self._file(_ROOT)
        write_file(file, print_vcl(compile_root(_LABEL)))
        if _ROOT not in self._admin.list_vcls():
            self._admin.ask("vcl.load", _ROOT, str(file))
        self._admin.ask("vcl.use", _ROOT)

    def _note_down(self, name: str) -> None:
        commands = (
            f'vcl.load {name} "{self._file(name)}"',
            f"vcl.label {_LABEL} {name}",
            f'vcl.load {_ROOT} "{self._file(_ROOT)}"',
            f"vcl.use {_ROOT}",
        )
        write_file(self._program.beginning, "".join(f"{command}\n" for command in commands))

    def _file(self, name: str) -> Path:
        return self._program.programs / f"{name}.vcl"


# A supervised Varnish: started where it does not run; it starts with what it served last.

_START_SECONDS = 20.0
_PAUSE_SECONDS = 0.1


class SupervisedCache(VarnishCache):
    """The node's cache."""

    def __init__(self, name: str, *, program: VarnishProgram, processes: Processes, clock: Clock) -> None:
        super().__init__(program, clock)
        self._name = name
        self._varnish = program
        self._processes = processes

    def ensure(self) -> bool:
        """Start the program unless it runs; True if it was started now. Returns once it answers."""
        if self._processes.observe(self._name).state is ProgramState.RUNNING:
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


# Varnish's management commands, through varnishadm.

_TIMEOUT_SECONDS = 60.0
_REFUSED = 1
"""varnishadm's exit code where Varnish itself said no; 2 and others mean that it could not be asked."""


@dataclass(frozen=True, kw_only=True)
class LoadedVcl:
    """One row of `vcl.list`."""

    name: str
    is_active: bool
    label_of: str
    """Where the row is a label: the VCL that it names."""
    is_labelled: bool


class Admin:
    """The management side of one running Varnish."""

    def __init__(self, workdir: Path) -> None:
        self._workdir = workdir

    def ask(self, *words: str) -> str:
        """Run one command and return its answer; RefusedError with Varnish's words where it says no."""
        argv = ("varnishadm", "-t", "5", "-n", str(self._workdir), *words)
        try:
            return run_command(argv, timeout_seconds=_TIMEOUT_SECONDS)
        except UnavailableError as error:
            if isinstance(error, ProgramFailedError) and error.exit_code == _REFUSED:
                raise RefusedError(f"Varnish refused {words[0]}", details=error.output.strip()) from error
            raise UnavailableError("Varnish does not answer", details=error.details) from error

    def list_vcls(self) -> dict[str, LoadedVcl]:
        """Return everything that is loaded, labels included, by name."""
        _format, _command, _time, *rows = json.loads(self.ask("vcl.list", "-j"))
        return {row["name"]: _to_loaded(row) for row in rows}


def _to_loaded(row: dict[str, Any]) -> LoadedVcl:
    return LoadedVcl(
        name=row["name"],
        is_active=row["status"] == "active",
        label_of=row.get("label", {}).get("name", ""),
        is_labelled=row.get("labels", 0) > 0,
    )
