"""Rest: what a campaign that nobody visits takes of the processor."""

from __future__ import annotations

import os
import time
from pathlib import Path

from parts import processes_by_part, read_stat

_SETTLE_SECONDS = 3.0
_REST_SECONDS = 20.0
_USER, _SYSTEM = 11, 12
"""Fields 14 and 15 of /proc/PID/stat, counted from behind the name."""


def cpu_at_rest(run: Path) -> dict[str, float]:
    """Return each part of a campaign and its percentage of one core, over a while without visitors."""
    time.sleep(_SETTLE_SECONDS)
    parts = processes_by_part(run)
    before = {part: _seconds(pids) for part, pids in parts.items()}
    time.sleep(_REST_SECONDS)
    return {
        part: round((_seconds(pids) - before[part]) / _REST_SECONDS * 100, 2) for part, pids in parts.items()
    }


def _seconds(pids: frozenset[int]) -> float:
    stats = (read_stat(Path(f"/proc/{pid}/stat")) for pid in pids)
    ticks = sum(int(stat[_USER]) + int(stat[_SYSTEM]) for stat in stats if stat)
    return ticks / os.sysconf("SC_CLK_TCK")
