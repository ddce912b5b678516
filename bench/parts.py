"""A campaign's parts: which processes belong to which supervised program or instance."""

from __future__ import annotations

from pathlib import Path

_PROC = Path("/proc")
SUPERVISORS = "supervisors"


def processes_by_part(run: Path) -> dict[str, frozenset[int]]:
    """Return each program's and instance's processes, with their children, and all supervisors together."""
    parents = _parents()
    parts: dict[str, frozenset[int]] = {}
    supervisors: set[int] = set()
    for folder in (*sorted((run / "programs").iterdir()), *sorted((run / "instances").iterdir())):
        own = _with_children(_pid(folder / "pid"), parents)
        parts[folder.name] = own
        # What stands between a supervisor and an instance is its sandbox's monitor.
        supervisors |= _with_children(_pid(folder / "supervisor"), parents) - own
    return {**parts, SUPERVISORS: frozenset(supervisors)}


def _pid(file: Path) -> int:
    return int(file.read_text().split()[0])


def _with_children(pid: int, parents: dict[int, int]) -> frozenset[int]:
    children = (child for child, parent in parents.items() if parent == pid)
    return frozenset({pid}).union(*(_with_children(child, parents) for child in children))


def _parents() -> dict[int, int]:
    return {
        int(stat.parent.name): int(fields[1])
        for stat in _PROC.glob("[0-9]*/stat")
        if (fields := read_stat(stat))
    }


def read_stat(stat: Path) -> list[str]:
    """Return the fields of a process behind its name, from field 3 on; none where it is gone."""
    try:
        return stat.read_text().rpartition(")")[2].split()
    except (FileNotFoundError, ProcessLookupError):
        return []
