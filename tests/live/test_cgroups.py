"""Control groups, with the kernel's own: one limit over all processes of an instance."""

from __future__ import annotations

import shutil
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from handshake.drivers.process.program import State
from handshake.drivers.sandbox.cgroup import Cgroups, find_cgroups
from handshake.drivers.sandbox.confinement import find_confinement
from handshake.drivers.sandbox.sandbox import Limits, Sandbox
from handshake.drivers.sandbox.sandboxes import Sandboxes
from handshake.fleet.host import Limiter

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
def grouped(open_node: Callable[[Cgroups | None], Node]) -> Node:
    """A node that makes groups."""
    cgroups = find_cgroups()
    if cgroups is None:
        pytest.skip("this machine lets nobody here make control groups: rlimits are in force, as status says")
    return open_node(cgroups)


def groups_now() -> list[Path]:
    """Return the instance's groups that exist."""
    cgroups = find_cgroups()
    assert cgroups
    return [folder for folder in cgroups.folders("grouped-1") if folder.exists()]


def test_processes_of_an_instance_share_one_memory(grouped: Node) -> None:
    """Three processes, each within its rlimit, are together held to the instance's memory."""
    grouped.launch(THREE_TAKE_MEMORY, Limits(memory_megabytes=100))
    assert grouped.wait_for_line("one ended") == "one ended with -9"
    assert grouped.sandboxes.observe("grouped-1").state is State.RUNNING


def test_groups_end_with_the_instance(grouped: Node) -> None:
    """An instance is in its groups from its first process on, and when it has been stopped they are gone."""
    pid = grouped.launch("import time; time.sleep(30)", Limits(memory_megabytes=64, processes=20))
    assert "handshake-grouped-1" in Path(f"/proc/{pid}/cgroup").read_text()
    assert (groups_now()[-1] / "pids.max").read_text() == "20\n"
    grouped.sandboxes.stop("grouped-1", drain_seconds=0)
    assert groups_now() == []


def test_without_groups_each_process_has_its_rlimit(open_node: Callable[[Cgroups | None], Node]) -> None:
    """Where no group can be made, an instance still has rlimits, and the node says that these are in force."""
    node = open_node(None)
    pid = node.launch("import time; time.sleep(30)", Limits(memory_megabytes=64, processes=20))
    assert node.sandboxes.limited_by is Limiter.RLIMIT
    deadline = time.monotonic() + 10
    while f"{64 << 20}" not in (limits := Path(f"/proc/{pid}/limits").read_text()):
        assert time.monotonic() < deadline, limits
        time.sleep(0.02)
