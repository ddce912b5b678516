"""Processor time of process trees, as /proc tells it."""

from __future__ import annotations

import os
from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path

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
