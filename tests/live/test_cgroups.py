"""Control groups, with the kernel's own: one limit over all processes of an instance."""

from __future__ import annotations

import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handshake.drivers.process.command import run_command
from handshake.drivers.process.program import ProgramState, remove_groups
from handshake.drivers.sandbox.cgroup import Cgroups, find_cgroups, join_groups
from handshake.drivers.sandbox.confinement import find_confinement
from handshake.drivers.sandbox.sandbox import Limits, Sandbox
from handshake.drivers.sandbox.sandboxes import Sandboxes
from handshake.fleet.instances.launch import Limiter

pytestmark = pytest.mark.live

THREE_TAKE_MEMORY = """
import subprocess, sys, time
taker = "import time; taken = bytearray(60 << 20); time.sleep(30)"
takers = [subprocess.Popen([sys.executable, "-c", taker]) for _ in range(3)]
while all(each.poll() is None for each in takers):
    time.sleep(0.02)
print("one ended with", [each.returncode for each in takers if each.returncode][0], flush=True)
time.sleep(30)
"""


class Node:
    """A node of this test's own, its instances in groups where the kernel gives any."""

    def __init__(self, folder: Path, cgroups: Cgroups | None) -> None:
        self.folder = folder
        self.sandboxes = Sandboxes(folder / "instances", confinement=find_confinement(), cgroups=cgroups)

    def launch(self, script: str, limits: Limits) -> int:
        """Run a script as the instance `grouped-1`; return its pid."""
        sandbox = Sandbox(
            instance="grouped-1",
            service="grouped",
            command=("python3", "-c", script),
            tree=self.folder / "tree",
            templates=None,
            limits=limits,
        )
        seen = self.sandboxes.launch(sandbox, secrets={})
        assert seen.process
        return seen.process.pid

    def wait_for_line(self, words: str) -> str:
        """Return the first line of the instance's log that holds these words."""
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            for line in self.sandboxes.log_tail("grouped-1"):
                if words in line:
                    return line
            time.sleep(0.05)
        raise AssertionError(f"it never wrote {words!r}: {self.sandboxes.log_tail('grouped-1')}")


@pytest.fixture
def open_node() -> Iterator[Callable[[Cgroups | None], Node]]:
    """Return what opens a node; its instance has ended when the test is over."""
    folder = Path(tempfile.mkdtemp(prefix="handshake-"))
    folder.chmod(0o755)
    (folder / "tree").mkdir(mode=0o755)
    yield lambda cgroups: Node(folder, cgroups)
    Sandboxes(folder / "instances", confinement=find_confinement()).stop("grouped-1", drain_seconds=0)
    shutil.rmtree(folder)


@pytest.fixture
def cgroups() -> Cgroups:
    """The groups that a campaign would make here: of the version to which this kernel's memory controller belongs."""
    found = find_cgroups()
    if found is None:
        pytest.skip(f"nobody here may limit memory by a control group: status says {Limiter.RLIMIT}")
    return found


@pytest.fixture
def grouped(cgroups: Cgroups, open_node: Callable[[Cgroups | None], Node]) -> Node:
    """A node that makes groups."""
    return open_node(cgroups)


@pytest.fixture
def group(tmp_path: Path) -> Iterator[Path]:
    """A group of this test's own in the hierarchy of version 2, whichever controllers that has."""
    mounted = [
        line.split()[1] for line in Path("/proc/mounts").read_text().splitlines() if " cgroup2 " in line
    ]
    if not mounted:
        mount = subprocess.run(("mount", "-t", "cgroup2", "none", tmp_path), capture_output=True, check=False)
        if mount.returncode:
            pytest.skip(f"there is no control group of version 2 here: {mount.stderr.decode().strip()}")
    folder = Path(mounted[0] if mounted else tmp_path) / "handshake-joined-1"
    try:
        yield _make(folder)
    finally:
        remove_groups([folder])
        if not mounted:
            subprocess.run(("umount", tmp_path), check=True)


def _make(group: Path) -> Path:
    try:
        group.mkdir()
    except OSError as error:
        pytest.skip(f"nobody here may make control groups in {group.parent}: {error}")
    return group


def groups_now(cgroups: Cgroups) -> list[Path]:
    """Return the instance's groups that exist."""
    return [folder for folder in cgroups.folders("grouped-1") if folder.exists()]


def test_processes_of_an_instance_share_one_memory(grouped: Node) -> None:
    """Three processes, each within its rlimit, are together held to the instance's memory."""
    grouped.launch(THREE_TAKE_MEMORY, Limits(memory_megabytes=100))
    assert grouped.wait_for_line("one ended") == "one ended with -9"
    assert grouped.sandboxes.observe("grouped-1").state is ProgramState.RUNNING


def test_groups_end_with_the_instance(grouped: Node, cgroups: Cgroups) -> None:
    """An instance is in its groups from its first process on, and when it has been stopped they are gone."""
    pid = grouped.launch("import time; time.sleep(30)", Limits(memory_megabytes=64, processes=20))
    assert "handshake-grouped-1" in Path(f"/proc/{pid}/cgroup").read_text()
    assert (groups_now(cgroups)[-1] / "pids.max").read_text() == "20\n"
    grouped.sandboxes.stop("grouped-1", drain_seconds=0)
    assert groups_now(cgroups) == []


def test_a_program_and_its_children_are_born_in_a_group_of_version_2(group: Path) -> None:
    """Joining works in one hierarchy as in two: no process of the program was ever outside, and then the group can go."""
    script = "cat /proc/self/cgroup; sh -c 'cat /proc/self/cgroup'"
    said = run_command((*join_groups((group,)), "sh", "-c", script), timeout_seconds=5)
    own = [line for line in said.splitlines() if line.startswith("0::")]
    assert [line.rpartition("/")[2] for line in own] == [group.name] * 2
    remove_groups([group])
    assert not group.exists()


def test_without_groups_each_process_has_its_rlimit(open_node: Callable[[Cgroups | None], Node]) -> None:
    """Where no group can be made, an instance still has rlimits, and the node says that these are in force."""
    node = open_node(None)
    pid = node.launch("import time; time.sleep(30)", Limits(memory_megabytes=64, processes=20))
    assert node.sandboxes.limited_by is Limiter.RLIMIT
    deadline = time.monotonic() + 10
    while f"{64 << 20}" not in (limits := Path(f"/proc/{pid}/limits").read_text()):
        assert time.monotonic() < deadline, limits
        time.sleep(0.02)
