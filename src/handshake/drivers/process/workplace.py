"""A folder for supervised programs that must not outlive a piece of work."""

from __future__ import annotations

import fcntl
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from handshake.drivers.process.processes import Processes

_LOCK = "lock"
PROGRAMS, INSTANCES = "programs", "instances"
"""The sub-folders in which supervised programs keep their records."""


@contextmanager
def workplace(root: Path) -> Iterator[Path]:
    """Yield a new folder below `root`; what is supervised in its two sub-folders ends with the block.

    Where this process is killed before, the next workplace below the same root ends it.
    """
    root.mkdir(parents=True, exist_ok=True)
    root.chmod(0o755)  # the programs' own users must pass through
    for left in root.iterdir():
        _sweep(left)
    folder = root / secrets.token_hex(6)
    folder.mkdir(mode=0o755)
    lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield folder
    finally:
        _clear(folder)
        os.close(lock)


def _sweep(folder: Path) -> None:
    """Clear a folder whose owner is gone: the kernel has let go of its lock."""
    try:
        lock = os.open(folder / _LOCK, os.O_RDWR | os.O_CLOEXEC)
    except FileNotFoundError:
        return  # its owner is about to make it, or has just cleared it
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        _clear(folder)
    except BlockingIOError:
        return
    finally:
        os.close(lock)


def _clear(folder: Path) -> None:
    for place in (PROGRAMS, INSTANCES):
        processes = Processes(folder / place)
        for seen in processes.observe_all():
            processes.stop(seen.name, deadline_seconds=0)
    shutil.rmtree(folder, ignore_errors=True)
