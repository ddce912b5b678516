"""Processes by pid and start time, and the processor time of their trees."""

from __future__ import annotations

import os
import select
import signal
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

_STATE, _SESSION, _BORN = 0, 3, 19
"""Fields 3, 6 and 22 of /proc/PID/stat, counted behind the program's name."""


@dataclass(frozen=True, kw_only=True)
class Identity:
    """One process, for ever: pids are used again, start times are not."""

    pid: int
    born: int
    """Clock ticks since the machine started."""

    @property
    def is_running(self) -> bool:
        """Whether this very process is alive: a zombie is not."""
        return identify(self.pid) == self

    def send(self, signal_number: signal.Signals) -> bool:
        """Send a signal to this process and no other; False if it has ended."""
        with self._descriptor() as descriptor:
            if descriptor is None:
                return False
            try:
                signal.pidfd_send_signal(descriptor, signal_number)
            except ProcessLookupError:
                return False
            return True

    def wait(self, timeout_seconds: float) -> bool:
        """Wait for the end of the process; False if it is still alive after the timeout."""
        with self._descriptor() as descriptor:
            if descriptor is None:
                return True
            poll = select.poll()
            poll.register(descriptor, select.POLLIN)
            return bool(poll.poll(timeout_seconds * 1000))

    @contextmanager
    def _descriptor(self) -> Iterator[int | None]:
        """Yield a pidfd, None if the process has ended. First opened, then compared: it cannot change after."""
        try:
            descriptor = os.pidfd_open(self.pid)
        except ProcessLookupError:
            yield None
            return
        try:
            yield descriptor if self.is_running else None
        finally:
            os.close(descriptor)


def identify(pid: int) -> Identity | None:
    """Return who has this pid now; None for nobody and for a zombie."""
    fields = _stat(pid)
    return Identity(pid=pid, born=int(fields[_BORN])) if fields else None


def session_members(leader: int) -> tuple[Identity, ...]:
    """Return who belongs to the session that a process began, whether or not that one still lives."""
    stats = ((int(folder.name), _stat(int(folder.name))) for folder in Path("/proc").glob("[0-9]*"))
    return tuple(
        Identity(pid=pid, born=int(fields[_BORN]))
        for pid, fields in stats
        if fields and int(fields[_SESSION]) == leader
    )


def _stat(pid: int) -> list[str]:
    """Return what the kernel says of a process, behind its name; empty for nobody and for a zombie."""
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return []
    fields = text.rpartition(")")[2].split()
    return [] if fields[_STATE] in {"Z", "X"} else fields


def parse_identity(text: str) -> Identity | None:
    """Return what a supervisor recorded: `PID START`; None if the process had ended before it was looked at."""
    pid, _, born = text.strip().partition(" ")
    return Identity(pid=int(pid), born=int(born)) if pid and born else None


# Processor time of process trees, as /proc tells it.

_PARENT = 1
_TIMES = slice(11, 15)
"""Fields 4 and 14 to 17 of /proc/PID/stat, counted behind the program's name: the times of its ended children too."""


@dataclass(frozen=True, kw_only=True)
class _Entry:
    parent: int
    seconds: float


def processor_seconds(roots: Mapping[str, int]) -> dict[str, float]:
    """Return for each name the processor time of the process that has this pid, and of all of its children."""
    table = _read_table()
    children: dict[int, list[int]] = defaultdict(list)
    for pid, entry in table.items():
        children[entry.parent].append(pid)
    return {name: _add_up(pid, table, children) for name, pid in roots.items() if pid in table}


def _add_up(root: int, table: Mapping[int, _Entry], children: Mapping[int, Iterable[int]]) -> float:
    return table[root].seconds + sum(_add_up(child, table, children) for child in children.get(root, ()))


def _read_table() -> dict[int, _Entry]:
    pids = (int(entry.name) for entry in Path("/proc").iterdir() if entry.name.isdigit())
    return {pid: entry for pid in pids if (entry := _read_entry(pid))}


def _read_entry(pid: int) -> _Entry | None:
    try:
        text = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, ProcessLookupError):
        return None  # it ended meanwhile
    fields = text.rpartition(")")[2].split()
    ticks = sum(map(int, fields[_TIMES]))
    return _Entry(parent=int(fields[_PARENT]), seconds=ticks / os.sysconf("SC_CLK_TCK"))
