"""Control groups: limits for all processes of an instance together, if the kernel lets us create groups."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from handshake.core.errors import UnavailableError
from handshake.drivers.process.command import run_command
from handshake.drivers.process.program import remove_groups

_JOIN = 'while [ "$1" != -- ]; do echo 0 >"$1/cgroup.procs" || exit; shift; done; shift; exec "$@"'
"""A shell joins each group itself, then becomes the command: its children are born there."""
_TRY_SECONDS = 5
_MEBIBYTE = 1 << 20


@dataclass(frozen=True, kw_only=True)
class Cgroups:
    """Where this process may make groups. The two folders are one where all controllers share a hierarchy (v2)."""

    memory: Path
    processes: Path
    memory_limit: str
    """The file that takes the limit in bytes; for processes it is pids.max in both versions."""

    def folders(self, name: str) -> tuple[Path, ...]:
        """Return the folders of one instance's groups."""
        group = f"handshake-{name}"
        return tuple(dict.fromkeys((self.memory / group, self.processes / group)))

    def make(self, name: str, *, memory_megabytes: int, processes: int) -> tuple[Path, ...]:
        """Make one instance's groups with their limits, and return their folders; idempotent."""
        folders = self.folders(name)
        for folder in folders:
            folder.mkdir(exist_ok=True)
        (folders[0] / self.memory_limit).write_text(str(memory_megabytes * _MEBIBYTE))
        (folders[-1] / "pids.max").write_text(str(processes))
        return folders


def join_groups(folders: tuple[Path, ...]) -> tuple[str, ...]:
    """Return what precedes a command so that it runs in these groups; nothing where there are none."""
    return ("sh", "-c", _JOIN, "join", *map(str, folders), "--") if folders else ()


def find_cgroups() -> Cgroups | None:
    """Return where groups can be made and joined, by trying; None if they cannot: rlimits alone are left."""
    return next((groups for groups in _candidates() if _works(groups)), None)


def _candidates() -> Iterator[Cgroups]:
    """Yield the hierarchies from their roots down to the own group, v2 before v1."""
    mounts, own = _mounts(), _own_groups()
    for folder in _way_down(mounts.get("cgroup2"), own.get("", "/")):
        yield Cgroups(memory=folder, processes=folder, memory_limit="memory.max")
    for memory in _way_down(mounts.get("memory"), own.get("memory", "/")):
        for processes in _way_down(mounts.get("pids"), own.get("pids", "/")):
            yield Cgroups(memory=memory, processes=processes, memory_limit="memory.limit_in_bytes")


def _works(groups: Cgroups) -> bool:
    if not all(os.access(folder, os.W_OK) for folder in (groups.memory, groups.processes)):
        return False
    name = f"probe-{os.getpid()}"
    try:
        folders = groups.make(name, memory_megabytes=16, processes=8)
        run_command((*join_groups(folders), "true"), timeout_seconds=_TRY_SECONDS)
    except (OSError, UnavailableError):
        return False
    finally:
        remove_groups(groups.folders(name))
    return True


def _mounts() -> dict[str, Path]:
    """Return where each hierarchy is mounted: `cgroup2`, and by their controllers those of version 1."""
    found: dict[str, Path] = {}
    for line in Path("/proc/self/mountinfo").read_text(encoding="utf-8").splitlines():
        place, _, source = line.partition(" - ")
        kind, _, options = source.split(" ", 2)
        names = ["cgroup2"] if kind == "cgroup2" else options.split(",") if kind == "cgroup" else []
        found.update({name: Path(place.split()[4]) for name in names})
    return found


def _own_groups() -> dict[str, str]:
    """Return this process's group in each hierarchy: "" for version 2, else by controller."""
    lines = Path("/proc/self/cgroup").read_text(encoding="utf-8").splitlines()
    parted = (line.split(":", 2) for line in lines)
    return {name: path for _, names, path in parted for name in names.split(",")}


def _way_down(mount: Path | None, own: str) -> Iterator[Path]:
    if mount is not None:
        below = Path(own.lstrip("/"))
        yield from (mount / part for part in reversed((below, *below.parents)))
