"""Whatever is killed while lists change: after it, the edge serves exactly what was acknowledged."""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

import pytest
import urllib3

from handshake.compose.cli import compose_cli
from handshake.core.clock import SystemClock
from handshake.core.errors import HandshakeError
from handshake.edge.lists.editor import ListEditor, Term
from handshake.release.node_paths import load_node
from tests.system.campaign_up import CampaignUnderTest
from tests.system.processes import Process, find_process, processes_of, supervised, wait_until

pytestmark = pytest.mark.live

TERM = Term(seconds=3600)
VICTIMS = ("worker", "agent", "cache", "ingress", "both")
REFUSED, LET_IN = 403, 200


@dataclass(kw_only=True)
class Banning:
    """Bans one address after another, lets every third one in again, and notes what was acknowledged."""

    list_editor: ListEditor
    banned: list[str] = field(default_factory=list)
    let_in: list[str] = field(default_factory=list)
    stopped: threading.Event = field(default_factory=threading.Event)

    def run(self) -> None:
        """Go on until somebody says stop; a verb that fails was acknowledged to nobody."""
        for number in range(10_000):
            if self.stopped.is_set():
                return
            address = f"127.3.{number // 200}.{number % 200 + 1}"
            try:
                self._change(address, is_let_in=number % 3 == 0)
            except HandshakeError:
                self.stopped.wait(0.2)

    def go_on(self, times: int) -> None:
        """Return once so many bans more were acknowledged."""
        least = len(self.banned) + times
        wait_until(lambda: len(self.banned) >= least, 40)

    def _change(self, address: str, *, is_let_in: bool) -> None:
        if not self.list_editor.add("wall", (address,), term=TERM, reason="test").is_enforced:
            return
        if not is_let_in:
            self.banned.append(address)
        elif self.list_editor.remove("wall", (address,), reason="test").is_enforced:
            self.let_in.append(address)


@contextmanager
def banning(system: CampaignUnderTest) -> Iterator[Banning]:
    """Ban and let in while the block runs."""
    parts = compose_cli(load_node(system.run / "node.json"), SystemClock())
    its = Banning(list_editor=parts.live_data.list_editor("test"))
    thread = threading.Thread(target=its.run)
    thread.start()
    try:
        yield its
    finally:
        its.stopped.set()
        thread.join(30)


def victims(system: CampaignUnderTest, name: str) -> list[Process]:
    """Return the processes that die: `worker` is the ingress's own child, `both` ingress and agent at once."""
    programs = system.run / "programs"
    if name == "worker":
        master = supervised(programs / "ingress")[1]
        return [find_process(each.pid) for each in processes_of(system.root) if parent(each) == master.pid]
    names = ("agent", "ingress") if name == "both" else (name,)
    return [supervised(programs / each)[1] for each in names]


def parent(process: Process) -> int:
    """Return a process's parent."""
    with open(f"/proc/{process.pid}/stat") as stat:  # noqa: PTH123 -- a file of the kernel
        return int(stat.read().rpartition(") ")[2].split()[1])


def kill(process: Process) -> None:
    """End a process and see it gone, so that nobody asks a dying one."""
    process.kill()
    wait_until(lambda: not process.is_running)


def ask_from(system: CampaignUnderTest, address: str) -> int:
    """Return what a visitor from this loopback address gets; 0 while nobody answers."""
    host, _, port = system.ingress.rpartition(":")
    with urllib3.HTTPConnectionPool(
        host, int(port), source_address=(address, 0), retries=False, timeout=5
    ) as pool:
        try:
            return pool.request("GET", "/calls/").status
        except urllib3.exceptions.HTTPError:
            return 0


@pytest.mark.parametrize(
    "rounds", [1, pytest.param(12, marks=[pytest.mark.long, pytest.mark.timeout(1800)])], ids=("once", "long")
)
def test_what_was_acknowledged_is_served_whatever_dies(system: CampaignUnderTest, rounds: int) -> None:
    """While bans come and go, ingress, worker, agent and cache are killed: acknowledged bans hold, and no others."""
    chance = random.Random(7)
    with banning(system) as its:
        for name in VICTIMS * rounds:
            its.go_on(5)
            time.sleep(chance.random() / 5)
            for process in victims(system, name):
                kill(process)
            wait_until(lambda: ask_from(system, "127.4.0.1") == LET_IN, 40)
            banned, let_in = its.banned[:], its.let_in[:]
            wrong = [each for each in banned[-40:] if ask_from(system, each) != REFUSED]
            wrong += [each for each in let_in[-20:] if ask_from(system, each) == REFUSED]
            assert wrong == [], f"after {name} died"

    assert its.let_in
    parts = compose_cli(load_node(system.run / "node.json"), SystemClock())
    held = {standing.word.entry for standing in parts.live_data.list_editor("test").content("wall")}
    assert set(its.banned) <= held
    assert not set(its.let_in) & held


def test_a_large_list_is_there_after_a_restart(system: CampaignUnderTest) -> None:
    """Twenty thousand entries, a ban on top and one let in again stand at an ingress that was killed, before any agent acts."""
    node_file = system.root / "feed.txt"
    node_file.write_text("".join(f"10.{number // 250}.{number % 250}.0/24\n" for number in range(20_000)))
    system.verb("edge", "list", "import", str(node_file), "--for", "1h", "--reason", "feed")
    system.verb("ban", "127.5.0.0/24", "--for", "1h", "--reason", "on top")
    system.verb("ban", "127.5.1.1", "--for", "1h", "--reason", "on top")
    system.verb("unban", "127.5.1.1")
    for process in victims(system, "both"):
        kill(process)

    wait_until(lambda: ask_from(system, "127.4.0.1") == LET_IN, 40)
    assert ask_from(system, "127.5.0.9") == REFUSED
    assert ask_from(system, "127.5.1.1") == LET_IN
    assert system.verb("edge", "list", "ls", "-n", "1")["total"] >= 20_001
    system.verb("unban", "127.5.0.0/24")
    system.verb("edge", "list", "undo")
    wait_until(lambda: ask_from(system, "127.5.0.9") == REFUSED)
