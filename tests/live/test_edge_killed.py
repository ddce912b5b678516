"""The edge is killed in the middle of a policy's change: what was acknowledged is served again, by nobody's help."""

from __future__ import annotations

import http.client
import signal
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path

import pytest

from handshake.campaign.live_policy import LivePolicy
from handshake.campaign.policy import read_policy
from handshake.core.clock import SystemClock
from handshake.core.digest import digest_bytes
from handshake.core.errors import HandshakeError
from handshake.core.subject import Kind, Subject
from handshake.drivers.haproxy.supervised import SupervisedIngress
from handshake.drivers.process.identity import Identity, identify
from handshake.drivers.process.processes import Processes
from handshake.drivers.process.program import ProgramState
from handshake.drivers.varnish.cache import SupervisedCache
from handshake.drivers.varnish.program import VarnishProgram
from handshake.edge.cache.compile.target import CacheTarget, RegionSocket
from handshake.edge.cache.reconcile import CacheReconciler
from handshake.edge.ingress.compile.maps import COUNTRIES, SWITCHES_MAP
from handshake.edge.ingress.compile.target import IngressListener, IngressTarget
from handshake.edge.ingress.reconcile import IngressReconciler
from handshake.edge.ingress.runtime_maps import IngressMap
from handshake.pointers.acks import AckWriter, Place, Role, acks_of, read_acks
from handshake.pointers.pointer import Pointer
from handshake.release.manifest import Manifest
from tests.live.edges import ACCOUNTS, open_folder
from tests.support.catalog import MemoryCatalog
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

CAMPAIGN = Path(__file__).parents[2] / "examples" / "campaign"
SUBJECT = Subject(kind=Kind.POLICY, name="campaign")
POLICY = """
[switches.calm]
description = "none"
[[rule]]
name = "ingress"
phase = "admit"
when = 'switch.calm || request.path == "/ingress"'
respond = {{ status = 200, body = "{revision}" }}
[[rule]]
name = "cache"
phase = "serve"
when = 'request.path == "/cache"'
respond = {{ status = 200, body = "{revision}" }}
"""
PATIENCE_SECONDS = 25.0


def live_at(revision: int) -> LivePolicy:
    """Return the policy whose answers name the revision."""
    policy = replace(read_policy(CAMPAIGN), edge=read_text(POLICY.format(revision=revision)))
    pointer = Pointer(
        subject=SUBJECT,
        release=digest_bytes(str(revision).encode()),
        revision=revision,
        stable=digest_bytes(b"the one before"),
        moved_by="ada",
        reason="tried",
        moved_at=0.0,
    )
    return LivePolicy(policy=policy, pointer=pointer)


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node with an edge and nothing else."""

    catalog: MemoryCatalog
    processes: Processes
    ingress: IngressReconciler
    cache: CacheReconciler
    port: int

    def turn(self, role: Role, revision: int) -> None:
        """Let a reconciler act once."""
        if role is Role.INGRESS:
            switches = IngressMap(name=SWITCHES_MAP, entries={}, subject="switches", revision=1)
            self.ingress.cycle(live_at(revision), (switches,))
        else:
            self.cache.cycle(live_at(revision), {})

    def acknowledged(self, role: Role) -> int:
        """Return the revision that a place says it serves."""
        acks = acks_of(str(SUBJECT), read_acks(self.catalog))
        return next((ack.revision for ack in acks if ack.place.startswith(role)), 0)

    def served(self, role: Role) -> int:
        """Return the revision that a visitor gets; 0 where nothing answers."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=2)
        try:
            connection.request("GET", f"/{role}")
            answer = connection.getresponse()
            return int(answer.read()) if answer.status == 200 else 0
        except (OSError, http.client.HTTPException):
            return 0
        finally:
            connection.close()

    def kill(self, role: Role, *, whole: bool) -> None:
        """Kill a program's first process, or those below it that do the work, and see all of them end.

        A worker outlives its killed master for a moment, and answers in it: what it says is no word of the restart.
        """
        seen = self.processes.observe(role)
        if seen.state is not ProgramState.RUNNING or seen.process is None:
            return
        workers = children_of(seen.process.pid)
        victims = [seen.process] if whole else workers
        for victim in victims:
            victim.send(signal.SIGKILL)
        assert all(process.wait(PATIENCE_SECONDS) for process in (*victims, *workers))


def children_of(pid: int) -> list[Identity]:
    """Return the children of one of our own processes."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    return [found for child in children if (found := identify(int(child))) is not None]


@pytest.fixture(scope="module")
def node() -> Iterator[Node]:
    """Run a node that has acknowledged revision 1 everywhere."""
    with open_folder() as folder, socket.create_server(("127.0.0.1", 0)) as probe:
        port = probe.getsockname()[1]
        probe.close()
        node = build(folder, port)
        try:
            for role in (Role.CACHE, Role.INGRESS):
                insist(partial(node.turn, role, 1))
            yield node
        finally:
            for seen in node.processes.observe_all():
                node.processes.stop(seen.name, deadline_seconds=2)


def build(folder: Path, port: int) -> Node:
    """Put a node together as the agent does."""
    catalog, clock, processes = MemoryCatalog(), SystemClock(), Processes(folder / "programs")
    (folder / "maps").mkdir()
    (folder / "maps" / COUNTRIES).write_text("")
    ingress = SupervisedIngress(
        Role.INGRESS,
        folder=folder / "ingress",
        runtime_socket=folder / "ingress.sock",
        maps=folder / "maps",
        processes=processes,
        clock=clock,
    )
    program = VarnishProgram(
        directory=folder / "cache",
        socket=folder / "cache.sock",
        ingress_user=ACCOUNTS.ingress,
        storage_megabytes=16,
    )
    target = IngressTarget(
        digest="",
        listeners=(IngressListener(address=f"127.0.0.1:{port}"),),
        runtime_socket=str(folder / "ingress.sock"),
        maps=str(folder / "maps"),
        cache_socket=str(folder / "cache.sock"),
        regions=(),
        decoy_key="a2V5",
        accounts=ACCOUNTS,
    )
    regions = (RegionSocket(name="east", socket=str(folder / "east.sock")),)
    return Node(
        catalog=catalog,
        processes=processes,
        ingress=IngressReconciler(
            ingress=ingress,
            acks=AckWriter(catalog, clock, Place(role=Role.INGRESS, node="n1")),
            target=target,
        ),
        cache=CacheReconciler(
            cache=SupervisedCache(Role.CACHE, program=program, processes=processes, clock=clock),
            acks=AckWriter(catalog, clock, Place(role=Role.CACHE, node="n1")),
            target=CacheTarget(gateway_socket=str(folder / "gateway.sock"), regions=regions),
            manifest_of=lambda _: Manifest(kind=Kind.SITE, files=()),
        ),
        port=port,
    )


def insist(act: Callable[[], None]) -> None:
    """Act again until it succeeds, as the agent's loop does."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while True:
        try:
            return act()
        except HandshakeError:
            assert time.monotonic() < deadline
            time.sleep(0.1)


def attempt(act: Callable[[], None]) -> None:
    """Act once; what is killed meanwhile may well refuse."""
    with suppress(HandshakeError):
        act()


@pytest.mark.parametrize(
    ("delay", "whole"),
    [(0.0, True), (0.1, False), (0.25, True)],
    ids=["at-once", "worker", "late"],
)
@pytest.mark.parametrize("role", [Role.INGRESS, Role.CACHE])
def test_killed_in_the_middle_of_a_change(node: Node, role: Role, delay: float, *, whole: bool) -> None:
    """After a restart that nobody helps, the edge serves what it acknowledged or what it was about to; then the new one."""
    revision = node.acknowledged(role) + 1
    change = threading.Thread(target=attempt, args=(lambda: node.turn(role, revision),))
    change.start()
    time.sleep(delay)
    node.kill(role, whole=whole)
    change.join(PATIENCE_SECONDS)
    wait_for(lambda: node.served(role) != 0)
    acknowledged = node.acknowledged(role)
    assert acknowledged <= node.served(role) <= revision
    insist(lambda: node.turn(role, revision))
    assert (node.acknowledged(role), node.served(role)) == (revision, revision)


@pytest.mark.parametrize("role", [Role.INGRESS, Role.CACHE])
def test_killed_after_a_change(node: Node, role: Role) -> None:
    """What was acknowledged is served after a kill, with no agent there."""
    revision = node.acknowledged(role) + 1
    insist(lambda: node.turn(role, revision))
    node.kill(role, whole=True)
    wait_for(lambda: node.served(role) != 0)
    assert node.served(role) == node.acknowledged(role) == revision


def wait_for(holds: Callable[[], bool]) -> None:
    """Wait for what a supervisor brings back, after pauses that grow."""
    deadline = time.monotonic() + PATIENCE_SECONDS
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.05)
