"""Unpacks pinned wheels with this interpreter's pip, for the interpreter of an image's base."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from handshake.core.errors import RefusedError
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


@dataclass(frozen=True, kw_only=True)
class Python:
    """An interpreter, as far as wheels care."""

    version: str
    """`3.11`."""
    platform: str
    """`linux-x86_64`."""


class PipWheels:
    """The Packages of images on one base, by default the host."""

    name = "python"

    def __init__(self, base: Path | None = None) -> None:
        """`base` is a base's tree, None for the host."""
        self._base = base

    def target(self) -> str:
        """Return the interpreter's version and platform; an error where there is none."""
        return f"cp{self._python.version}-{self._python.platform}"

    def unpack(self, lock: Path, folder: Path) -> None:
        """Install into a folder; only packages whose wheels fit the base's interpreter."""
        version = f"--python-version={self._python.version}"
        run_command(
            (
                sys.executable,
                "-m",
                "pip",
                "install",
                version,
                *_FLAGS,
                f"--target={folder}",
                f"--requirement={lock}",
            ),
            timeout_seconds=_UNPACK_TIMEOUT_SECONDS,
        )

    @property
    def _python(self) -> Python:
        return _ask(HOST_PYTHON) if self._base is None else _find_python(self._base)


def _find_python(tree: Path) -> Python:
    """Return the interpreter of a base's tree, which is never run outside of a sandbox.

    RefusedError where there is none.
    """
    link = tree / "usr/bin/python3"
    if not link.is_symlink():
        raise RefusedError("the base has no Python", hint="Add python3 to the packages of its base.toml.")
    return Python(version=link.readlink().name.removeprefix("python"), platform=_ask(HOST_PYTHON).platform)


@cache
def _ask(python: Path) -> Python:
    version, platform = run_command((str(python), "-c", _ASK), timeout_seconds=_ASK_TIMEOUT_SECONDS).split()
    return Python(version=version, platform=platform)
