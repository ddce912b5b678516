"""A running Varnish that keeps the edge's Cache Protocol: one VCL stays active and hands over to a label."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from handshake.core.errors import RefusedError
from handshake.drivers.varnish.admin import Admin
from handshake.drivers.varnish.file import write_file
from handshake.drivers.varnish.program import VarnishProgram
from handshake.drivers.varnish.purging import forget
from handshake.drivers.varnish.warming import warm
from handshake.edge.purge import Purge
from handshake.edge.vcl.compile import compile_root
from handshake.syntax.vcl import print_vcl

_LABEL = "live"
_WARMING_SECONDS = 2.0
_ROOT = "root"


class VarnishCache:
    """A label moves in milliseconds and loses no request, where `vcl.use` would keep old VCLs busy."""

    def __init__(self, program: VarnishProgram) -> None:
        self._program = program
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
        """Move the label; then note it down, so that Varnish begins with it after a restart."""
        self._admin.ask("vcl.label", _LABEL, name)
        if not self.active():
            self._take_over()
        self._note_down(name)

    def warm(self, requests: Sequence[Mapping[str, str]]) -> int:
        """Ask through the program that serves: it knows every release of which it is told."""
        return warm(self._program.socket, requests, seconds=_WARMING_SECONDS, monotonic=time.monotonic)

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
