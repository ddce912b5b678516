"""Instances in their sandboxes: what they cannot do, and what outlives what."""

from __future__ import annotations

import ast
import contextlib
import http.client
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path
from signal import SIGKILL
from typing import Any

import pytest

from handshake.core.errors import RefusedError
from handshake.drivers.process.identity import Identity, identify
from handshake.drivers.process.program import Folder, Observation, ProgramState
from handshake.drivers.sandbox.confinement import Confinement, find_confinement, uid_for
from handshake.drivers.sandbox.sandbox import Limits, Sandbox
from handshake.drivers.sandbox.sandboxes import Sandboxes
from handshake.release.tree import materialise, remove_tree, scan_tree
from tests.system.processes import wait_until

pytestmark = pytest.mark.live

APP = Path(__file__).with_name("probe_app.py").read_bytes()
SECRET = "redis://:correct-horse-battery-staple@127.0.0.1:1/0"
POSSIBLE = [Confinement.DROPPED, Confinement.ROOT] if os.geteuid() == 0 else [Confinement.PERSON]


KEEP_PORTS = """
import os, signal, socket, time
if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        keeper = socket.socket()
        keeper.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        keeper.bind(("127.0.0.1", {port}))
        keeper.listen()
        time.sleep(600)
    os._exit(0)
"""
"""Forks twice: what is left holds the instance's listening socket, which it inherited, and one more port."""


@dataclass(frozen=True, kw_only=True)
class Node:
    """A node of a test's own: its trees and its instances."""

    folder: Path
    confinement: Confinement
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def sandboxes(self) -> Sandboxes:
        """An agent's view, made anew each time: nothing is remembered but what lies on disk."""
        return Sandboxes(self.folder / "instances", confinement=self.confinement)

    @property
    def image(self) -> Path:
        """The tree that all instances share."""
        return self.folder / "trees" / "image"

    def sandbox(self, instance: str) -> Sandbox:
        """Return a sandbox around the probing application, on a port of its own."""
        with socket.create_server(("127.0.0.1", 0)) as server:
            self.ports[instance] = server.getsockname()[1]
        return Sandbox(
            instance=instance,
            service="probe",
            command=("python3", "main.py"),
            tree=self.image,
            templates=self.folder / "trees" / "templates",
            environment={"PORT": str(self.ports[instance])},
            limits=Limits(memory_megabytes=256),
        )

    def launch(self, instance: str = "probe-1") -> Identity:
        """Launch an instance, wait for its first answer, and return its process."""
        self.sandboxes.launch(self.sandbox(instance), secrets={"ledger": SECRET})
        return self.wait_for_answer(instance)

    def wait_for_answer(self, instance: str) -> Identity:
        """Wait for an instance's first answer, and return its process."""
        process = process_of(self.sandboxes.observe(instance))
        deadline = time.monotonic() + 20
        while True:
            try:
                assert self.ask("'ready'", instance) == "ready"
            except ConnectionError:
                assert process.is_running, self.sandboxes.log_tail(instance)
                assert time.monotonic() < deadline
                time.sleep(0.001)
            else:
                return process

    def ask(self, expression: str, instance: str = "probe-1") -> Any:
        """Evaluate an expression inside of an instance; what it raised comes back as text."""
        connection = http.client.HTTPConnection("127.0.0.1", self.ports[instance], timeout=20)
        try:
            connection.request("POST", "/", expression)
            answer = connection.getresponse().read().decode()
        finally:
            connection.close()
        try:
            return ast.literal_eval(answer)
        except (SyntaxError, ValueError):
            return answer


@pytest.fixture(params=POSSIBLE)
def node(request: pytest.FixtureRequest) -> Iterator[Node]:
    """A node whose instances have all ended when the test is over.

    Its folder is not pytest's: those are closed to other users, and instances run as one.
    """
    folder = Path(tempfile.mkdtemp(prefix="handshake-"))
    folder.chmod(0o755)
    node = Node(folder=folder, confinement=request.param)
    for name in ("image", "templates"):
        source = folder / "source" / name
        source.mkdir(parents=True)
        (source / "main.py").write_bytes(APP)
        materialise(scan_tree(source), lambda _: APP, folder / "trees" / name)
    yield node
    for seen in node.sandboxes.observe_all():
        node.sandboxes.stop(seen.name, drain_seconds=0)
    remove_tree(folder)


def process_of(seen: Observation) -> Identity:
    """Return a running instance's process."""
    assert seen.state is ProgramState.RUNNING
    assert seen.process
    return seen.process


def test_this_machine_allows_user_namespaces() -> None:
    """The strictest confinement works here, so that the tests of it tell something."""
    assert find_confinement() is POSSIBLE[0]


def test_only_tmp_is_writable(node: Node) -> None:
    """Of all files and folders that an instance sees, /tmp and devices are the only ones that it may write."""
    node.launch()
    writable = node.ask(
        "sorted(path for top, folders, files in os.walk('/') if not top.startswith('/proc')"
        " for path in [top, *(os.path.join(top, name) for name in files)]"
        " if os.access(path, os.W_OK) and not os.path.islink(path))"
    )
    devices = {
        f"/dev/{name}" for name in ("full", "null", "random", "tty", "urandom", "zero", "pts", "pts/ptmx")
    }
    assert set(writable) - devices == {"/tmp"}


@pytest.mark.parametrize(
    "folder", ["/", "/app", "/usr", "/templates", "/run/secrets", "/etc", "/dev/shm", "/home"]
)
def test_writing_elsewhere_is_refused(node: Node, folder: str) -> None:
    """Writing a file anywhere but in /tmp fails."""
    node.launch()
    refusal = node.ask(f"open({folder!r} + '/new', 'w')")
    assert refusal.startswith(("OSError: [Errno 30]", "PermissionError", "FileNotFoundError"))
    assert node.ask("open('/tmp/new', 'w').write('text')") == 4


def test_image_on_disk_cannot_be_changed(node: Node) -> None:
    """Whatever an instance tries with its image, the tree on disk stays as it was."""
    before = scan_tree(node.image)
    node.launch()
    for attempt in (
        "open('/app/main.py', 'a')",
        "os.chmod('/app/main.py', 0o777)",
        "os.unlink('/app/main.py')",
        "os.rename('/app/main.py', '/app/other.py')",
        "os.chmod('/app', 0o777)",
        "os.utime('/app/main.py')",
    ):
        assert "Error" in node.ask(attempt), attempt
    assert scan_tree(node.image) == before


def test_remounting_is_refused(node: Node) -> None:
    """An instance can neither make its image writable nor get the rights to by a namespace of its own."""
    node.launch()
    run = "__import__('subprocess').run({}, capture_output=True).returncode"
    assert node.ask(run.format("['mount', '-o', 'remount,bind,rw', '/app']")) != 0
    if node.confinement is not Confinement.ROOT:  # chosen only where nobody may make such namespaces
        assert node.ask(run.format("['unshare', '--user', '--map-root-user', '--mount', 'true']")) != 0


def test_tmp_is_private(node: Node) -> None:
    """Two instances of one service do not see one another's files, nor the host's."""
    node.launch("probe-1")
    node.launch("probe-2")
    node.ask("open('/tmp/mine', 'w').close()", "probe-1")
    assert node.ask("os.listdir('/tmp')", "probe-1") == ["mine"]
    assert node.ask("os.listdir('/tmp')", "probe-2") == []


def test_processes_of_the_host_are_out_of_sight(node: Node) -> None:
    """An instance sees itself, as PID 1, and no other process."""
    node.launch()
    assert node.ask("[name for name in os.listdir('/proc') if name.isdigit()]") == ["1"]
    assert node.ask("os.getpid()") == 1


def test_instance_has_no_rights_on_the_host(node: Node) -> None:
    """Seen from the host, an instance is its service's user, without groups or capabilities, and can gain none."""
    process = node.launch()
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    status = {name: value.split() for name, _, value in (line.partition(":") for line in lines)}
    uid = str(os.getuid() if node.confinement is Confinement.PERSON else uid_for("probe"))
    assert status["Uid"] == [uid] * 4
    assert uid != "0"
    assert status["NoNewPrivs"] == ["1"]
    assert {status[name][0] for name in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb")} == {"0" * 16}
    if node.confinement is not Confinement.PERSON:
        assert status["Gid"] == [uid] * 4
        assert status["Groups"] == []


def test_environment_is_the_contract_alone(node: Node) -> None:
    """An instance gets what its contract says, and nothing of its starter's environment."""
    node.launch()
    assert set(node.ask("list(os.environ)")) - {"LC_CTYPE"} == {"HOME", "LANG", "PATH", "PORT", "PWD"}


def test_memory_is_limited(node: Node) -> None:
    """An instance that takes more memory than its contract says gets none, and goes on serving."""
    node.launch()
    assert node.ask("len(bytearray(512 << 20))").startswith("MemoryError")
    assert node.ask("len(bytearray(64 << 20))") == 64 << 20


def test_secret_is_a_file_in_memory(node: Node) -> None:
    """A secret is readable inside, by the instance alone, and stands on no disk."""
    node.launch()
    assert node.ask("open('/run/secrets/ledger').read()") == SECRET
    mode = 0o444 if node.confinement is Confinement.ROOT else 0o400
    assert node.ask("os.stat('/run/secrets/ledger').st_mode & 0o7777") == mode
    kept = [
        path for path in node.folder.rglob("*") if path.is_file() and SECRET.encode() in path.read_bytes()
    ]
    assert kept == []


def test_secret_is_in_no_process_list(node: Node) -> None:
    """No process on the host has a secret in its arguments or its environment, the supervisor's included."""
    process = node.launch()
    seen = {}
    for path in [*Path("/proc").glob("[0-9]*/cmdline"), *Path("/proc").glob("[0-9]*/environ")]:
        try:
            seen[path] = path.read_bytes()
        except OSError:
            continue
    assert b"main.py" in seen[Path(f"/proc/{process.pid}/cmdline")]
    assert not [path for path, content in seen.items() if b"correct-horse" in content]


def test_instance_inherits_no_descriptor(node: Node) -> None:
    """Beside its standard input and output an instance holds no descriptor that it did not open itself."""
    process = node.launch()
    held = {}
    for link in Path(f"/proc/{process.pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):
            held[link.name] = str(link.readlink())
    log = str(node.folder / "instances" / "probe-1" / "log")
    assert [held.pop(name) for name in "012"] == ["/dev/null", log, log]
    assert all(target.startswith("socket:") for target in held.values())


def test_sigterm_drains(node: Node) -> None:
    """SIGTERM reaches the application itself: a request in flight is answered, then it exits with 0."""
    node.launch()
    with ThreadPoolExecutor(1) as pool:
        slow = pool.submit(
            node.ask, "__import__('time').sleep(1) or open('/tmp/begun', 'w').close() or 'done'"
        )
        assert node.ask("__import__('time').sleep(0.2) or 'between'") == "between"
        stopped = node.sandboxes.stop("probe-1", drain_seconds=10)
        assert slow.result() == "done"
    assert (stopped.state, stopped.evidence) == (ProgramState.EXITED, "exit code 0")
    assert node.sandboxes.log_tail("probe-1")[-1] == "drained"


def test_a_stopped_instance_keeps_no_port(node: Node) -> None:
    """A child in a session of its own, deaf to SIGTERM, ends with its instance: both ports it held are free again."""
    node.launch("probe-1")
    node.sandbox("spare")
    own, spare = node.ports["probe-1"], node.ports["spare"]
    node.ask(f"exec({KEEP_PORTS.format(port=spare)!r})")
    wait_until(lambda: not can_listen(spare))
    assert not can_listen(own)
    node.sandboxes.stop("probe-1", drain_seconds=10)
    assert (can_listen(own), can_listen(spare)) == (True, True)
    following = replace(node.sandbox("probe-2"), environment={"PORT": str(own)})
    node.ports["probe-2"] = own
    node.sandboxes.launch(following, secrets={"ledger": SECRET})
    process = node.wait_for_answer("probe-2")
    assert process.is_running


def test_instance_outlives_all_around_it(node: Node) -> None:
    """After kill -9 of supervisor and monitor it serves on; an agent adopts it by name and stops it in good order."""
    process = node.launch()
    supervisor = Folder(path=node.folder / "instances" / "probe-1").supervisor()
    assert supervisor
    monitor = identify(parent_of(process.pid))
    assert monitor
    assert parent_of(monitor.pid) == supervisor.pid
    for around in (supervisor, monitor):
        around.send(SIGKILL)
        assert around.wait(5)
    assert node.ask("'serving'") == "serving"
    (seen,) = node.sandboxes.observe_all()
    assert (seen.name, seen.process, seen.is_supervised) == ("probe-1", process, False)
    assert node.sandboxes.launch(node.sandbox("probe-1"), secrets={}).process == process
    stopped = node.sandboxes.stop("probe-1", drain_seconds=10)
    assert (stopped.state, process.is_running) == (ProgramState.EXITED, False)
    assert node.sandboxes.log_tail("probe-1")[-1] == "drained"


def test_death_of_a_monitor_is_not_taken_for_the_instance(node: Node) -> None:
    """After kill -9 of bubblewrap's monitor the instance runs; how it ends later, nobody claims to have seen."""
    process = node.launch()
    monitor = identify(parent_of(process.pid))
    assert monitor
    monitor.send(SIGKILL)
    assert monitor.wait(5)
    assert node.ask("'serving'") == "serving"
    # For a second its supervisor waits whether the instance goes with the monitor.
    wait_until(lambda: not node.sandboxes.observe("probe-1").is_supervised)
    assert node.sandboxes.observe("probe-1").state is ProgramState.RUNNING
    process.send(SIGKILL)
    assert process.wait(5)
    assert node.sandboxes.observe("probe-1").evidence == "ended without a supervisor"


def test_instance_outlives_its_launcher(node: Node) -> None:
    """After kill -9 of the agent that launched it, an instance serves on, supervised."""
    sandbox = node.sandbox("probe-1")
    script = (
        "import os, sys, pathlib; from pathlib import PosixPath\n"
        "from handshake.drivers.sandbox.sandboxes import Sandboxes, Sandbox\n"
        "from handshake.drivers.sandbox.confinement import Confinement\n"
        "from handshake.drivers.sandbox.sandbox import Limits\n"
        f"confinement = Confinement({str(node.confinement)!r})\n"
        f"sandboxes = Sandboxes({node.folder / 'instances'!r}, confinement=confinement)\n"
        f"sandboxes.launch({sandbox!r}, secrets={{}})\n"
        "os.kill(os.getpid(), 9)\n"
    )
    launcher = subprocess.run([sys.executable, "-c", script], check=False)
    assert launcher.returncode == -SIGKILL
    seen = node.sandboxes.observe("probe-1")
    assert (seen.state, seen.is_supervised) == (ProgramState.RUNNING, True)
    assert node.wait_for_answer("probe-1") == seen.process


def test_ended_instance_is_not_started_again(node: Node) -> None:
    """An instance that has ended is replaced by another, not started a second time."""
    node.launch().send(SIGKILL)
    deadline = time.monotonic() + 5
    while node.sandboxes.observe("probe-1").exit is None and time.monotonic() < deadline:
        time.sleep(0.01)
    with pytest.raises(RefusedError, match=r"probe-1 has ended \(ended by SIGKILL\)"):
        node.sandboxes.launch(node.sandbox("probe-1"), secrets={})


@pytest.mark.parametrize("node", [way for way in POSSIBLE if way is Confinement.DROPPED], indirect=True)
def test_unreachable_tree_is_refused(node: Node) -> None:
    """A tree that the instance's user cannot reach is an error that names the folder in the way."""
    (node.folder / "trees").chmod(0o700)
    with pytest.raises(RefusedError, match=f"cannot enter {node.folder}/trees"):
        node.sandboxes.launch(node.sandbox("probe-1"), secrets={})
    assert node.sandboxes.observe("probe-1").state is ProgramState.ABSENT


def test_start_to_first_answer(node: Node, record_property: Callable[[str, object], None]) -> None:
    """A sandbox costs a small part of the time to a Python server's first answer."""
    began = time.monotonic()
    node.launch()
    seconds = time.monotonic() - began
    record_property("seconds_to_first_answer", seconds)
    print(f"{node.confinement}: {seconds * 1000:.0f} ms to the first answer")  # noqa: T201 -- shown by -s
    assert seconds < 5


def parent_of(pid: int) -> int:
    """Return the pid of a process's parent."""
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def can_listen(port: int) -> bool:
    """Whether nobody listens on a port, so that another may."""
    try:
        socket.create_server(("127.0.0.1", port)).close()
    except OSError:
        return False
    return True
