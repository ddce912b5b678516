"""Unpacks locked packages with this machine's npm, for the Node of an image's base."""

from __future__ import annotations

import os
import shutil
from functools import cache
from pathlib import Path

from handshake.drivers.process.command import Need, run_command

NEED = Need(program="npm", reason="to bake images of Node services", package="npm")
_ASK = "console.log(`node${process.versions.modules}-${process.platform}-${process.arch}`)"
_ASK_TIMEOUT_SECONDS = 10
_UNPACK_TIMEOUT_SECONDS = 600
_FLAGS = (
    "--omit=dev",
    "--ignore-scripts",  # a script would bring this machine's compiler, or anything, into the image
    "--no-bin-links",  # links name scripts that an image starts by their path
    "--no-audit",
    "--no-fund",
    "--no-update-notifier",
    "--loglevel=error",
)


class NpmPackages:
    """The Packages of images whose base has this machine's Node."""

    name = "node"

    def __init__(self, downloads: Path) -> None:
        """`downloads` keeps what npm has fetched."""
        self._downloads = downloads

    def target(self) -> str:
        """Return the version of Node's binary interface and the platform; UnavailableError where there is no Node."""
        return _ask()

    def unpack(self, lock: Path, folder: Path) -> None:
        """Put `node_modules` into a folder, exactly as the lock file has it."""
        notes = (lock, lock.with_name("package.json"))
        for note in notes:
            shutil.copyfile(note, folder / note.name)
        # npm keeps modes as the archive has them, less the umask: which is nobody's business but the archive's.
        run_command(
            ("npm", "ci", f"--cache={self._downloads}", *_FLAGS),
            timeout_seconds=_UNPACK_TIMEOUT_SECONDS,
            environment={**os.environ, "npm_config_umask": "0022"},
            folder=folder,
        )
        for note in notes:
            (folder / note.name).unlink()


@cache
def _ask() -> str:
    return run_command(("node", "-e", _ASK), timeout_seconds=_ASK_TIMEOUT_SECONDS).strip()
