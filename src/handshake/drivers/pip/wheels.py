"""Unpacks pinned wheels with this interpreter's pip, for the interpreter of an image's base."""

from __future__ import annotations

import sys
from functools import cache
from pathlib import Path

from handshake.drivers.process.command import run_command

HOST_PYTHON = Path("/usr/bin/python3")
_ASK = "import sys, sysconfig; print('%d.%d' % sys.version_info[:2], sysconfig.get_platform())"
_ASK_TIMEOUT_SECONDS = 10
_UNPACK_TIMEOUT_SECONDS = 600
_FLAGS = (
    "--only-binary=:all:",  # a build would bring this machine's compiler into the image
    "--no-deps",  # what is not pinned is not taken
    "--no-compile",
    "--implementation=cp",
    "--no-input",
    "--disable-pip-version-check",
    "--root-user-action=ignore",
    "--quiet",
)


class PipWheels:
    """The Packages of images whose base has the given interpreter."""

    name = "python"

    def __init__(self, python: Path = HOST_PYTHON) -> None:
        self._python = python

    def target(self) -> str:
        """Return the interpreter's version and platform; UnavailableError where there is none."""
        version, platform = _ask(self._python)
        return f"cp{version}-{platform}"

    def unpack(self, lock: Path, folder: Path) -> None:
        """Install into a folder; only packages whose wheels fit the base's interpreter."""
        version, _ = _ask(self._python)
        install = (sys.executable, "-m", "pip", "install", f"--python-version={version}", *_FLAGS)
        run_command(
            (*install, f"--target={folder}", f"--requirement={lock}"),
            timeout_seconds=_UNPACK_TIMEOUT_SECONDS,
        )


@cache
def _ask(python: Path) -> tuple[str, str]:
    version, platform = run_command((str(python), "-c", _ASK), timeout_seconds=_ASK_TIMEOUT_SECONDS).split()
    return version, platform
