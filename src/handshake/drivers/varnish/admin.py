"""Varnish's management commands, through varnishadm."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from handshake.core.errors import RefusedError, UnavailableError
from handshake.drivers.process.command import run_command

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
            cause = error.__cause__
            if isinstance(cause, subprocess.CalledProcessError) and cause.returncode == _REFUSED:
                details = (cause.stdout + cause.stderr).strip()
                raise RefusedError(f"Varnish refused {words[0]}", details=details) from error
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
