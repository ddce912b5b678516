"""The processes of a campaign under test, as the kernel names them: found by their folders, told apart by their birth."""

from __future__ import annotations

import os
import signal
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

_PARENT, _BORN = 1, 19
"""Fields of /proc/PID/stat, counted behind the name."""


@dataclass(frozen=True, kw_only=True, order=True)
class Process:
    """One process for ever: a pid alone may be a stranger's tomorrow."""

    pid: int
    born: int

    @property
    def is_running(self) -> bool:
        """Whether it still runs; one that nobody has reaped yet has ended."""
        stat = _stat(self.pid)
        return stat is not None and int(stat[_BORN]) == self.born and stat[0] != "Z"

    def kill(self) -> None:
        """Send SIGKILL."""
        os.kill(self.pid, signal.SIGKILL)


def find_process(pid: int) -> Process:
    """Return the process that has this pid now."""
    stat = _stat(pid)
    if stat is None:
        raise AssertionError(f"no process {pid} runs")
    return Process(pid=pid, born=int(stat[_BORN]))


def processes_of(folder: Path) -> frozenset[Process]:
    """Return every process that names the folder in its command line or works in it, and all of their children."""
    stats = {pid: stat for pid in _pids() if (stat := _stat(pid))}
    found = {pid for pid in stats if _belongs(pid, str(folder))}
    while True:
        children = {pid for pid, stat in stats.items() if int(stat[_PARENT]) in found}
        if children <= found:
            return frozenset(Process(pid=pid, born=int(stats[pid][_BORN])) for pid in found)
        found |= children


def supervised(folder: Path) -> tuple[Process, Process]:
    """Return the supervisor and the program of a supervised program's folder."""
    return _recorded(folder / "supervisor"), _recorded(folder / "pid")


def kill_for_good(folder: Path) -> None:
    """Send SIGKILL to a program's supervisor and then to itself, so that nobody starts it again."""
    for process in supervised(folder):
        process.kill()
        wait_until(lambda process=process: not process.is_running)  # type: ignore[misc]  # a lambda of one name


def wait_until(is_true: Callable[[], bool], seconds: float = 20.0) -> None:
    """Return once something is true; AssertionError where it does not become true in time."""
    deadline = time.monotonic() + seconds
    while not is_true():
        if time.monotonic() > deadline:
            raise AssertionError(f"it did not become true within {seconds:.0f} s")
        time.sleep(0.05)


def still_running(processes: Iterable[Process]) -> list[Process]:
    """Return those that still run."""
    return sorted(process for process in processes if process.is_running)


def _recorded(file: Path) -> Process:
    pid, born = file.read_text().split()
    return Process(pid=int(pid), born=int(born))


def _pids() -> Iterator[int]:
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and int(entry.name) != os.getpid():
            yield int(entry.name)


def _belongs(pid: int, folder: str) -> bool:
    try:
        words = Path(f"/proc/{pid}/cmdline").read_bytes().decode(errors="replace")
        return folder in words or str(Path(f"/proc/{pid}/cwd").readlink()).startswith(folder)
    except OSError:
        return False


def _stat(pid: int) -> list[str] | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except OSError:
        return None
    return text.rpartition(") ")[2].split()
