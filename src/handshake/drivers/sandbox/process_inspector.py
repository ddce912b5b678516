"""Sandboxed instances as the kernel sees them."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

from handshake.drivers.process.identity import Identity
from handshake.drivers.process.ports import listening_addresses
from handshake.drivers.process.processes import Processes

_USED = slice(11, 15)
"""Fields 14 to 17 of /proc/PID/stat, counted behind the program's name: ticks of user and system time, its own
and its ended children's."""
_END_SECONDS = 5.0
_KIBIBYTES = 1024


class SandboxProcessInspector:
    """Keeps `handshake.image.contract_check.instance.Witness` over the instances whose records lie under one root."""

    def __init__(self, root: Path) -> None:
        self._processes = Processes(root)

    def kill(self, instance: str) -> None:
        """Send SIGKILL to its first process, with which the kernel ends all others of its namespace."""
        process = self._first(instance)
        if process and process.send(signal.SIGKILL):
            process.wait(_END_SECONDS)

    def exit_code(self, instance: str) -> int | None:
        """Return how it ended; None while it runs, and until its supervisor has written it down."""
        ended = self._processes.observe(instance).exit
        return ended.code if ended else None

    def listening(self, instance: str) -> tuple[str, ...]:
        """Return every address on which one of its processes accepts TCP connections."""
        return listening_addresses(self._pids(instance))

    def processor_seconds(self, instance: str) -> float:
        """Return the processor time of all of its processes."""
        ticks = sum(sum(map(int, _stat(pid)[_USED])) for pid in self._pids(instance))
        return ticks / os.sysconf("SC_CLK_TCK")

    def data_megabytes(self, instance: str) -> float:
        """Return the data of its largest process, as `prlimit --data` counts it."""
        return max((_data_kibibytes(pid) / _KIBIBYTES for pid in self._pids(instance)), default=0.0)

    def _first(self, instance: str) -> Identity | None:
        return self._processes.observe(instance).process

    def _pids(self, instance: str) -> Iterator[int]:
        """Yield the processes of its namespace."""
        first = self._first(instance)
        space = _namespace(first.pid) if first else ""
        if not space:
            return
        for folder in Path("/proc").glob("[0-9]*"):
            if _namespace(int(folder.name)) == space:
                yield int(folder.name)


def _namespace(pid: int) -> str:
    try:
        return str(Path(f"/proc/{pid}/ns/pid").readlink())
    except OSError:
        return ""  # ended meanwhile, or another user's


def _stat(pid: int) -> list[str]:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return []
    return text.rpartition(")")[2].split()


def _data_kibibytes(pid: int) -> int:
    try:
        lines = Path(f"/proc/{pid}/status").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return 0
    return next((int(line.split()[1]) for line in lines if line.startswith("VmData:")), 0)
