"""The contract check tries instances as an agent launches them."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import pytest

from handshake.core.digest import Digest, digest_bytes
from handshake.core.subject import Kind
from handshake.drivers.sandbox.process_inspector import SandboxProcessInspector
from handshake.fleet.instance import Assignment, Evidence, Generation
from handshake.fleet.instances.instances import Instances
from handshake.fleet.instances.launch import Launcher, LaunchOrder, instance_environment
from handshake.image.contract_check.check import ReleaseStore, SandboxTrial
from handshake.image.contract_check.instance import CheckBench
from handshake.release.manifest import Manifest
from tests.support.catalog import MemoryCatalog
from tests.support.clock import FakeClock
from tests.support.memory_host import Behaviour, MemoryHost
from tests.unit.contract_check.memory_trial import CONTRACT as TRIED

CONTRACT = replace(TRIED, environment={"GREETING": "hello"})
IMAGE, TEMPLATES = digest_bytes(b"image"), digest_bytes(b"templates")


class Launches:
    """A machine in memory, and every order that it was given."""

    def __init__(self, clock: FakeClock) -> None:
        self.orders: list[LaunchOrder] = []
        self.host = MemoryHost(clock, self._note)

    def _note(self, order: LaunchOrder) -> Behaviour:
        self.orders.append(order)
        return Behaviour()


def launcher(secrets: Mapping[str, str]) -> Launcher:
    """Return what puts orders together, of releases that are nowhere."""
    return Launcher(
        require_signed=lambda _: None,
        fetch=lambda release: Path("/trees") / release,
        base_of=lambda _: None,
        contract_of=lambda _: CONTRACT,
        secrets_of=lambda _: secrets,
    )


def shaken(generation: Generation) -> LaunchOrder:
    """Return the order by which the contract check launches an instance."""
    clock = FakeClock()
    launches = Launches(clock)
    trial = SandboxTrial(
        service="shop",
        generation=generation,
        contract=CONTRACT,
        bench=CheckBench(host=launches.host, witness=SandboxProcessInspector(Path()), secrets={}),
        launcher=launcher,
        shelf=ReleaseStore(manifest_of=lambda _: Manifest(kind=Kind.IMAGE, files=()), fetch=Path),
        clock=clock,
    )
    trial.stripped()
    return launches.orders[0]


def launched(assignment: Assignment) -> LaunchOrder:
    """Return the order by which an agent launches an instance."""
    clock = FakeClock()
    launches = Launches(clock)
    instances = Instances(
        node="n1",
        address="127.0.0.1",
        catalog=MemoryCatalog(clock),
        clock=clock,
        host=launches.host,
        launcher=launcher({}),
        contract_of=lambda _: CONTRACT,
        target_of=lambda _: None,
        ask=lambda *_: Evidence(status=200, body="", latency_seconds=0.0, at=0.0),
    )
    instances.cycle({assignment.instance: assignment})
    return launches.orders[0]


@pytest.mark.parametrize("templates", [None, TEMPLATES], ids=["without templates", "with templates"])
def test_an_instance_under_the_check_gets_the_variables_of_a_launched_one(
    templates: Digest | None,
) -> None:
    """The contract check and the agent give an instance the same variables, those of the one function."""
    generation = Generation(image=IMAGE, templates=templates)
    assignment = Assignment(
        instance="shop-1", node="n1", service="shop", generation=generation, assigned_at=0.0, phase_at=0.0
    )
    told = instance_environment(CONTRACT, assignment, host="127.0.0.1", port=1)

    assert shaken(generation).environment.keys() == launched(assignment).environment.keys() == told.keys()
