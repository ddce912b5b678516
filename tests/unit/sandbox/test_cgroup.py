"""Control groups as files, computed without a kernel that has them."""

from __future__ import annotations

from pathlib import Path

from handshake.drivers.sandbox.cgroup import Cgroups, join_groups


def test_one_hierarchy_takes_both_limits(tmp_path: Path) -> None:
    """Of version 2, an instance has one group, with both limits."""
    cgroups = Cgroups(memory=tmp_path, processes=tmp_path, memory_limit="memory.max")
    (folder,) = cgroups.make("hamm-1", memory_megabytes=64, processes=20)
    assert folder == tmp_path / "handshake-hamm-1"
    assert (folder / "memory.max").read_text() == str(64 << 20)
    assert (folder / "pids.max").read_text() == "20"


def test_two_hierarchies_take_a_limit_each(tmp_path: Path) -> None:
    """Of version 1, an instance has a group for its memory and another for its processes."""
    for name in ("memory", "pids"):
        (tmp_path / name).mkdir()
    cgroups = Cgroups(
        memory=tmp_path / "memory", processes=tmp_path / "pids", memory_limit="memory.limit_in_bytes"
    )
    memory, processes = cgroups.make("hamm-1", memory_megabytes=64, processes=20)
    assert [file.name for file in memory.iterdir()] == ["memory.limit_in_bytes"]
    assert [file.name for file in processes.iterdir()] == ["pids.max"]


def test_without_groups_a_command_is_itself() -> None:
    """Nothing stands before the command of an instance that joins no group."""
    assert join_groups(()) == ()
