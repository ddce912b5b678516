"""What every host of instances keeps: the one in memory, and sandboxes."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from handshake.core.clock import Clock, SystemClock
from handshake.core.errors import RefusedError
from handshake.drivers.sandbox.confinement import find_confinement
from handshake.drivers.sandbox.sandboxes import Sandboxes, SandboxHost
from handshake.fleet.instances.launch import InstanceHost, LaunchOrder
from tests.live.baking import open_folder
from tests.support.clock import FakeClock
from tests.support.memory_host import Behaviour, MemoryHost

pytestmark = pytest.mark.live

SERVES = ("sleep", "600")
CRASHES = ("sh", "-c", "echo no such table; exit 3")
BEHAVIOURS = {
    SERVES: Behaviour(),
    CRASHES: Behaviour(ends_after_seconds=0.0, ending="exit status 3", last_words=("no such table",)),
}


@dataclass(frozen=True, kw_only=True)
class Machine:
    """A host, and what its instances are made of."""

    host: InstanceHost
    clock: Clock
    folder: Path

    def order(self, command: tuple[str, ...], instance: str = "tried-1") -> LaunchOrder:
        """Return the order to run a command."""
        return LaunchOrder(
            instance=instance,
            service="tried",
            command=command,
            tree=self.folder,
            base=None,
            templates=None,
            environment={},
            secrets={},
            memory_megabytes=256,
        )

    def launch(self, command: tuple[str, ...], instance: str = "tried-1") -> None:
        """Run a command as an instance."""
        self.host.launch(self.order(command, instance))

    def wait_until(self, is_true: Callable[[], bool]) -> None:
        """Wait, by the host's own clock."""
        for _ in range(500):
            if is_true():
                return
            self.clock.sleep(0.02)
        raise AssertionError("it did not come true")

    def is_running(self, instance: str = "tried-1") -> bool:
        """Tell whether an instance runs."""
        return self.host.observe()[instance].is_running


@pytest.fixture(params=["memory", "sandbox"])
def machine(request: pytest.FixtureRequest) -> Iterator[Machine]:
    """Return a machine of each kind; what still runs at the end is stopped."""
    with open_folder() as folder:
        (folder / "tree").mkdir(mode=0o755)
        clock: Clock = FakeClock() if request.param == "memory" else SystemClock()
        host: InstanceHost = (
            MemoryHost(clock, lambda order: BEHAVIOURS[order.command])
            if request.param == "memory"
            else SandboxHost(Sandboxes(folder / "instances", confinement=find_confinement()))
        )
        machine = Machine(host=host, clock=clock, folder=folder / "tree")
        yield machine
        for name in host.observe():
            host.stop(name, drain_seconds=0.0)
            host.forget(name)


def test_a_launched_instance_runs(machine: Machine) -> None:
    """What was launched runs and is observed, since when too; launching it again changes nothing."""
    before = machine.clock.now()
    machine.launch(SERVES)
    seen = machine.host.observe()["tried-1"]
    machine.launch(SERVES)

    assert seen.is_running
    assert before - 1 <= seen.started_at <= machine.clock.now() + 1
    assert machine.host.observe() == {"tried-1": seen}


def test_an_instance_that_ends_is_remembered_with_its_last_words(machine: Machine) -> None:
    """An instance that ended by itself is observed with how it ended, and its log is kept until it is forgotten."""
    machine.launch(CRASHES)
    machine.wait_until(lambda: not machine.is_running())

    assert "3" in machine.host.observe()["tried-1"].evidence
    assert machine.host.log_tail("tried-1") == ("no such table",)
    machine.host.forget("tried-1")
    assert machine.host.observe() == {}


def test_an_instance_is_not_started_twice(machine: Machine) -> None:
    """What has ended is never started again under the same name."""
    machine.launch(CRASHES)
    machine.wait_until(lambda: not machine.is_running())

    with pytest.raises(RefusedError):
        machine.launch(CRASHES)


def test_stop_ends_an_instance_and_no_other(machine: Machine) -> None:
    """A stopped instance has ended when stop returns; stopping it again is no error, and its neighbour runs on."""
    machine.launch(SERVES)
    machine.launch(SERVES, "tried-2")
    machine.host.stop("tried-1", drain_seconds=5.0)
    machine.host.stop("tried-1", drain_seconds=5.0)

    assert not machine.is_running()
    assert machine.is_running("tried-2")


def test_what_runs_is_not_forgotten(machine: Machine) -> None:
    """A running instance cannot be forgotten."""
    machine.launch(SERVES)
    with pytest.raises(RefusedError):
        machine.host.forget("tried-1")

    assert machine.is_running()
