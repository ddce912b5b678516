"""Three machines share one campaign, and one of them is cut off: nothing is replaced through ignorance."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.support.campaign import CampaignUnderTest, copy_campaign
from tests.support.namespaces import Machine, machines_up, why_no_namespaces
from tests.system.processes import wait_until

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]

NAMES = ("n1", "n2", "n3")
SESSION_SECONDS = 40.0
"""Twice a session and its lock delay, on a machine that is busy."""


@dataclass(frozen=True, kw_only=True)
class NodeUnderTest:
    """One machine of the campaign."""

    machine: Machine
    system: CampaignUnderTest

    def get(self, path: str) -> tuple[int, str]:
        """Ask this machine's ingress, from this machine; status 0 where no answer came."""
        url = f"http://{self.system.ingress}{path}"
        command = (*self.machine.entry, "curl", "-s", "-m", "10", "-w", "\n%{http_code}", url)
        said = subprocess.run(command, capture_output=True, text=True, check=False).stdout
        body, _, status = said.rpartition("\n")
        return int(status or 0), body


@dataclass(frozen=True, kw_only=True)
class NodesUnderTest:
    """Three nodes and what they say."""

    nodes: tuple[NodeUnderTest, ...]

    @property
    def home(self) -> CampaignUnderTest:
        """The campaign that holds the catalogue."""
        return self.nodes[0].system

    def status(self) -> Any:
        """Return the state of the state."""
        return self.home.verb("status")

    def states(self) -> dict[str, str]:
        """Return what is known of each node."""
        return {node["name"]: node["state"] for node in self.status()["nodes"]}

    def instances(self, service: str) -> dict[str, str]:
        """Return the node of each instance of a service."""
        (fleet,) = (fleet for fleet in self.status()["fleets"] if fleet["service"] == service)
        return {row["instance"]: row["node"] for row in fleet["instances"]}

    def is_settled(self) -> bool:
        """Whether every place serves every pointer."""
        said = self.home.handshake("status", "--json", check=False)
        return said.returncode == 0 and bool(json.loads(said.stdout)["is_settled"])

    def wait_until_settled(self) -> None:
        """Wait until every place serves every pointer."""
        wait_until(self.is_settled, 120)


@pytest.fixture(scope="module")
def campaign() -> Iterator[NodesUnderTest]:
    """Bring a campaign up on three machines."""
    if reason := why_no_namespaces():
        if os.environ.get("CI"):
            pytest.fail(reason)
        pytest.skip(reason)
    with ExitStack() as stack:
        machines = stack.enter_context(machines_up(len(NAMES)))
        home = stack.enter_context(home_up(machines[0]))
        joined = [
            stack.enter_context(joined_up(home, name, machine))
            for name, machine in zip(NAMES[1:], machines[1:], strict=True)
        ]
        campaigns = (home, *joined)
        nodes = tuple(
            NodeUnderTest(machine=machine, system=system)
            for machine, system in zip(machines, campaigns, strict=True)
        )
        campaign = NodesUnderTest(nodes=nodes)
        wait_until(lambda: set(campaign.states().values()) == {"answers"}, SESSION_SECONDS)
        campaign.wait_until_settled()
        yield campaign


def test_instances_spread_over_the_nodes(campaign: NodesUnderTest) -> None:
    """A service of three has one instance on each node once it was released with all of them there."""
    release_looks(campaign, "first")

    assert sorted(campaign.instances("secretary").values()) == list(NAMES)


def test_every_ingress_serves_what_runs_elsewhere(campaign: NodesUnderTest) -> None:
    """Every node's ingress answers for sites, pages and services, wherever their instances and stores are."""
    for node in campaign.nodes:
        for path in ("/", "/calls/", "/api/events/events", "/api/hamm/summary"):
            status, _ = node.get(path)
            assert status == 200, (node.system.ingress, path)


def test_a_partition_replaces_nothing_and_heals(campaign: NodesUnderTest) -> None:
    """A node that is cut off goes on serving; nobody replaces what it runs; once back, a release reaches it too."""
    cut = campaign.nodes[1]
    before = {service: campaign.instances(service) for service in ("events", "hamm", "secretary")}
    cut.machine.pull_cable()
    try:
        wait_until(lambda: campaign.states()["n2"] == "silent", SESSION_SECONDS)
        assert {service: campaign.instances(service) for service in before} == before
        # What needs a store on another machine cannot be had there; pages and sites go on.
        for path in ("/", "/about", "/calls/"):
            assert [cut.get(f"{path}?visit={number}")[0] for number in range(10)] == [200] * 10, path
        for other in (campaign.nodes[0], campaign.nodes[2]):
            assert [other.get("/api/events/events")[0] for _ in range(20)] == [200] * 20
        (note,) = (note for note in campaign.status()["notes"] if note.startswith("n2 is silent"))
        assert "handshake node remove n2" in note
    finally:
        cut.machine.plug_cable()

    wait_until(lambda: campaign.states()["n2"] == "answers", SESSION_SECONDS)
    assert {service: campaign.instances(service) for service in before} == before
    release_looks(campaign, "second")
    after = campaign.instances("secretary")
    assert not set(after) & set(before["secretary"])
    assert sorted(after.values()) == list(NAMES)
    for node in campaign.nodes:
        wait_until(lambda node=node: "second look" in node.get("/")[1], 60)  # type: ignore[misc]  # a lambda of one name


def test_a_silent_node_gets_nothing_new_and_a_removed_one_is_replaced(campaign: NodesUnderTest) -> None:
    """Only an operator's word moves what a silent node ran; then the fleet is whole without it, and it may return."""
    cut = campaign.nodes[2]
    before = campaign.instances("secretary")
    cut.machine.pull_cable()
    try:
        wait_until(lambda: campaign.states()["n3"] == "silent", SESSION_SECONDS)
        campaign.home.verb("node", "remove", "n3", "--reason", "its disk is gone")
        wait_until(lambda: is_replaced(campaign, before), 60)
        campaign.wait_until_settled()
        assert campaign.states()["n3"] == "removed"
        assert set(campaign.instances("secretary").values()) == {"n1", "n2"}
    finally:
        cut.machine.plug_cable()

    invite(campaign.home, "n3")
    wait_until(lambda: campaign.states()["n3"] == "answers", SESSION_SECONDS)
    campaign.wait_until_settled()
    wait_until(lambda: not runs(cut, set(before)), 60)
    release_looks(campaign, "third")
    assert sorted(campaign.instances("secretary").values()) == list(NAMES)


def is_replaced(campaign: NodesUnderTest, before: dict[str, str]) -> bool:
    """Whether the instance of the removed node has a successor elsewhere, and the others are what they were."""
    after = campaign.instances("secretary")
    kept = {name for name, node in before.items() if node != "n3"}
    return len(after) == len(before) and kept < set(after) and "n3" not in after.values()


def runs(node: NodeUnderTest, instances: set[str]) -> bool:
    """Whether a machine still runs one of these instances."""
    return any((node.system.run / "instances" / name).exists() for name in instances)


def release_looks(campaign: NodesUnderTest, mark: str) -> None:
    """Release the pages' templates with another look, and wait until every place serves them."""
    page = campaign.home.campaign / "templates" / "secretary" / "home.html"
    headline = "{{ page.headline }}"
    page.write_text(page.read_text().replace(headline, f"{headline}<!-- {mark} look -->"))
    campaign.home.verb("publish", "templates/secretary", "--promote")
    campaign.wait_until_settled()


@contextmanager
def home_up(machine: Machine) -> Iterator[CampaignUnderTest]:
    """Bring the home node up on a machine."""
    root = Path(tempfile.mkdtemp(prefix="handshake-nodes-"))
    system = copy_campaign(root)
    system = CampaignUnderTest(root=root, entry=machine.entry)
    file = system.campaign / "handshake.toml"
    text = file.read_text().replace("127.0.0.1:", f"{machine.address}:")
    text = text.replace('nodes = ["n1"]', f"nodes = {json.dumps(NAMES)}")
    others, secretary = text.split("[services.secretary]")
    file.write_text(f"{others}[services.secretary]{secretary.replace('floor = 2', 'floor = 3', 1)}")
    wheels = fetch_wheels(system)
    with going_down(system):
        with pytest.MonkeyPatch.context() as environment:
            # From inside, no package registry can be reached: the installer finds here what images need.
            environment.setenv("PIP_NO_INDEX", "1")
            environment.setenv("PIP_FIND_LINKS", str(wheels))
            system.handshake("up", str(system.campaign))
        yield system


def fetch_wheels(system: CampaignUnderTest) -> Path:
    """Return a folder with the wheels that the services' images are made of."""
    folder = system.root / "wheels"
    python = ("/usr/bin/python3", "-c", "import sys; print('%d.%d' % sys.version_info[:2])")
    version = subprocess.run(python, capture_output=True, text=True, check=True).stdout.strip()
    for requirements in system.campaign.glob("services/*/requirements.txt"):
        fetch = (sys.executable, "-m", "pip", "download", "-q", "--no-deps", "--only-binary=:all:")
        chosen = ("--implementation=cp", f"--python-version={version}", "-d", folder, "-r", requirements)
        subprocess.run((*fetch, *chosen), check=True)
    return folder


@contextmanager
def joined_up(home: CampaignUnderTest, name: str, machine: Machine) -> Iterator[CampaignUnderTest]:
    """Let a machine join."""
    root = Path(tempfile.mkdtemp(prefix="handshake-nodes-"))
    root.chmod(0o755)
    system = CampaignUnderTest(root=root, entry=machine.entry)
    with going_down(system):
        system.handshake("node", "join", str(invite(home, name)), "--address", machine.address)
        yield system


@contextmanager
def going_down(system: CampaignUnderTest) -> Iterator[None]:
    """Take a campaign down at the end, whatever happens, and all of its files."""
    try:
        yield
    finally:
        system.handshake("down", "--purge", "--yes", check=False)
        shutil.rmtree(system.root, ignore_errors=True)


def invite(home: CampaignUnderTest, name: str) -> Path:
    """Return an invitation for a node."""
    file = home.root / f"{name}.invitation"
    file.unlink(missing_ok=True)
    home.handshake("node", "invite", name, "--to", str(file))
    return file
