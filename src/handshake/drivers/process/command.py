"""Programs that run to completion, and which of them must be installed."""

from __future__ import annotations

import shutil
import subprocess
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from handshake.core.errors import UnavailableError
from handshake.core.problem import Location, Problem

_SYSTEM_FOLDERS = "/usr/local/sbin:/usr/sbin:/sbin"
"""Where Debian keeps daemons; a person's PATH leaves them out."""
_DETAIL_LINES = 15


class ProgramFailedError(UnavailableError):
    """A program ran to its end and failed; whoever knows its exit codes may know more."""

    def __init__(self, program: str, *, exit_code: int, output: str, errors: str) -> None:
        said = "\n".join((errors or output).splitlines()[-_DETAIL_LINES:])
        super().__init__(f"{program} failed with exit code {exit_code}", details=said)
        self.exit_code = exit_code
        self.output = output + errors
        """All that it printed."""


def find_program(name: str) -> Path | None:
    """Return where a program lies, None if it is not installed."""
    found = shutil.which(name) or shutil.which(name, path=_SYSTEM_FOLDERS)
    return Path(found) if found else None


def run_command(
    argv: Sequence[str],
    *,
    timeout_seconds: float,
    environment: Mapping[str, str] | None = None,
    folder: Path | None = None,
) -> str:
    """Run a program to its end and return what it printed.

    Without an environment it gets this process's own, without a folder it runs where this process is. Raises
    ProgramFailedError, with the last lines of the program's own words, where it fails; UnavailableError where it
    cannot start, or takes longer than the timeout.
    """
    try:
        run = subprocess.run(
            argv,
            capture_output=True,
            check=True,
            cwd=folder,
            encoding="utf-8",
            env=environment,
            errors="replace",
            stdin=subprocess.DEVNULL,
            timeout=timeout_seconds,
        )
    except subprocess.CalledProcessError as error:
        raise ProgramFailedError(
            argv[0], exit_code=error.returncode, output=error.stdout, errors=error.stderr
        ) from error
    except subprocess.TimeoutExpired as error:
        raise UnavailableError(f"{argv[0]} took longer than {timeout_seconds:g} s") from error
    except OSError as error:
        raise UnavailableError(f"{argv[0]} cannot be run", details=str(error)) from error
    return run.stdout


# Programs that have to be installed: which are missing, what for, and the line that installs them.


@dataclass(frozen=True, kw_only=True)
class Need:
    """A program that something cannot do without."""

    program: str
    reason: str
    """The purpose, as the end of the sentence `it is needed ...`: `to confine instances`."""
    package: str
    """The Debian package that contains it."""


def missing_programs(needs: Iterable[Need]) -> list[Problem]:
    """Return a problem for each program that is not installed."""
    return [_missing(need) for need in needs if find_program(need.program) is None]


def _missing(need: Need) -> Problem:
    return Problem(
        check="missing-program",
        what=f"{need.program} is not installed; it is needed {need.reason}",
        where=Location(file=need.program),
        hint=f"sudo apt-get install {need.package}",
    )
