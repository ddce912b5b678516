"""The gateway as visitors and the agent meet it: a real HAProxy with a compiled policy, and real members."""

from __future__ import annotations

import json
import os
import signal
import socket
import stat
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

import pytest

from handshake.catalog.entries import Endpoint, Endpoints, Traffic
from handshake.config.reader import parse_settings
from handshake.core.errors import HandshakeError, RefusedError
from handshake.drivers.haproxy.program import HaproxyProgram
from handshake.drivers.haproxy.reload import Master
from handshake.drivers.haproxy.router import HaproxyRouter
from handshake.drivers.haproxy.runtime import Runtime
from handshake.gateway.haproxy import GatewayListener, GatewayTarget, Pool, UnixAccount, compile_gateway
from handshake.gateway.policy import GatewayPolicy
from handshake.gateway.pool import Unknown, acked_revision, explain_waiting, plan_pool
from handshake.gateway.reader import read_gateway
from handshake.gateway.reconcile import Router
from handshake.syntax.haproxy import print_haproxy
from tests.live.backends import Backend, Load, Loop, Visitor
from tests.live.haproxies import Running, run_haproxy, wait_until

pytestmark = pytest.mark.live

POLICY = parse_settings(
    GatewayPolicy,
    """
    [[route]]
    path = "/api/hamm"
    service = "hamm"
    timeout_seconds = 1
    max_body_bytes = 5000
    [[route]]
    path = "/api/hamm/summary"
    service = "events"
    methods = ["GET"]
    """,
    shown_as="gateway.toml",
).model
DESCRIPTION = {"openapi": "3.1.0", "info": {"title": 'it\'s "quoted"', "description": "d" * 60_000}}


@dataclass(frozen=True, kw_only=True)
class System:
    """A running gateway and what goes in and out of it."""

    running: Running
    router: HaproxyRouter
    visitor: Visitor
    target: GatewayTarget
    loop: Loop

    def text(self, digest: str, *pools: Pool) -> str:
        """Return the configuration with other pools."""
        return print_haproxy(compile_gateway(POLICY, replace(self.target, digest=digest, pools=pools)))

    def reload(self, digest: str, *members: Endpoint) -> None:
        """Reconfigure with these members of hamm."""
        self.router.reconfigure(self.text(digest, Pool(service="hamm", members=members)), digest)

    def settle(self, wanted: Endpoints, *, before: int = 0) -> None:
        """Plan and apply until the pool of hamm is acknowledged."""
        wait_until(
            lambda: self.cycle(wanted, before) == wanted.index,
            lambda: explain_waiting("hamm", wanted, self.router.observe()),
        )

    def cycle(self, wanted: Endpoints, before: int) -> int:
        """Plan, apply, and return what is acknowledged."""
        for step in plan_pool("hamm", wanted, self.router.observe()):
            self.router.apply(step)
        return acked_revision("hamm", wanted, self.router.observe(), before)


@pytest.fixture
def system(tmp_path: Path) -> Iterator[System]:
    with Loop() as loop, run_house(tmp_path, loop) as system:
        yield system


@contextmanager
def run_house(folder: Path, loop: Loop) -> Iterator[System]:
    account = UnixAccount(user="haproxy", group="haproxy") if os.geteuid() == 0 else None
    target = GatewayTarget(
        digest="sha256:first",
        listener=GatewayListener(path=folder / "gateway.sock", mode=0o660),
        runtime_socket=folder / "runtime.sock",
        account=account,
        description=json.dumps(DESCRIPTION),
    )
    with run_haproxy(folder, print_haproxy(compile_gateway(POLICY, target))) as running:
        yield System(
            running=running,
            router=HaproxyRouter(running.runtime, running.master, running.reload),
            visitor=Visitor(loop, target.listener.path),
            target=target,
            loop=loop,
        )


def endpoint(backend: Backend, traffic: Traffic = Traffic.OPEN) -> Endpoint:
    return Endpoint(id=backend.name, service="hamm", host="127.0.0.1", port=backend.port, traffic=traffic)


def endpoints(index: int, *members: Endpoint) -> Endpoints:
    return Endpoints(index=index, endpoints=members)


def test_empty_pool(system: System) -> None:
    """A service without members is answered with 503, as a JSON problem that says when to come back."""
    status, head, problem = system.visitor.ask("/api/hamm/donations", method="POST", body=b"{}")
    assert (status, problem["status"]) == (503, 503)
    assert "hamm" in problem["detail"]
    assert "retry-after: 1\r\n" in head
    assert "content-type: application/problem+json" in head


def test_no_route(system: System) -> None:
    """A path that no route covers is answered with 404 as a JSON problem; /api/hammer is not below /api/hamm."""
    for path in ("/", "/api/hammer", "/api"):
        status, head, problem = system.visitor.ask(path)
        assert (status, problem["title"]) == (404, "Not Found")
        assert "cache-control: no-store" in head


def test_limits(system: System) -> None:
    """Routes hold requests to their methods, body sizes and timeouts; the longest prefix that fits wins."""
    slow = Backend(system.loop, "hamm-slow", delay_seconds=3)
    system.settle(endpoints(1, endpoint(slow)))
    assert system.visitor.ask("/api/hamm/x", method="POST", body=b"x" * 5001)[0] == 413
    status, head, _ = system.visitor.ask("/api/hamm/summary", method="POST", body=b"x")
    assert status == 405
    assert "allow: GET\r\n" in head
    assert "events" in system.visitor.ask("/api/hamm/summary")[2]["detail"]
    status, _, problem = system.visitor.ask("/api/hamm/x", method="POST", body=b"x")
    assert (status, problem["status"]) == (504, 504)
    assert slow.requests == 1


def test_description(system: System) -> None:
    """The merged description is served whole, whatever its size and whatever quotes it holds."""
    status, head, description = system.visitor.ask("/api/openapi.json")
    assert (status, description) == (200, DESCRIPTION)
    assert "content-type: application/json" in head


def test_request_id_and_log(system: System) -> None:
    """A request's id reaches the member and the log, where a path that looks like JSON stays a string."""
    backend = Backend(system.loop, "hamm-a")
    system.settle(endpoints(1, endpoint(backend)))
    path = '/api/hamm/"},{\\x?secret=1'
    system.visitor.ask(path, headers="X-Request-Id: one-2\r\nX_Forwarded_For: 1.2.3.4\r\n")
    system.visitor.ask("/api/hamm/none")
    assert "x-request-id: one-2" in backend.seen[0].lower()
    assert "forwarded" not in backend.seen[0].lower()
    assert "x-request-id: " in backend.seen[1].lower()
    wait_until(lambda: len(system.running.log.read_text().splitlines()) >= 2)
    line = json.loads(system.running.log.read_text().splitlines()[0])
    assert line["path"] == '/api/hamm/"},{\\x'
    assert (line["request_id"], line["service"], line["member"]) == ("one-2", "hamm", "hamm-a")
    assert (line["status"], line["method"], line["route"], line["retries"]) == (200, "GET", "/api/hamm", 0)
    assert line["answer_ms"] >= 10


def test_listens_on_its_socket_alone(system: System) -> None:
    """The gateway has no listener but its Unix socket, and its runtime socket is its owner's alone."""
    assert not inodes_of(system.router.observe().process) & listening_inodes()
    assert stat.S_IMODE(system.target.listener.path.stat().st_mode) == 0o660
    assert stat.S_IMODE(system.target.runtime_socket.stat().st_mode) == 0o600


def inodes_of(process: int) -> set[str]:
    files = [str(file.readlink()) for file in Path(f"/proc/{process}/fd").iterdir()]
    return {file.removeprefix("socket:[").removesuffix("]") for file in files if file.startswith("socket:[")}


def listening_inodes() -> set[str]:
    """Return the inodes of every TCP socket of this machine that listens."""
    tables = [Path("/proc/net/tcp").read_text(), Path("/proc/net/tcp6").read_text()]
    rows = [line.split() for table in tables for line in table.splitlines()[1:]]
    return {row[9] for row in rows if row[3] == "0A"}


def test_replacement_under_load(system: System) -> None:
    """All members are replaced under GET and POST, again and again, and no request fails."""
    old = Backend(system.loop, "hamm-0")
    system.settle(endpoints(1, endpoint(old)))
    with Load(system.loop, system.visitor, "/api/hamm/x") as load:
        for number in range(1, 9):
            new = Backend(system.loop, f"hamm-{number}")
            index = number * 10
            system.settle(endpoints(index, endpoint(old), endpoint(new)))
            system.settle(endpoints(index + 1, endpoint(old, Traffic.DRAINING), endpoint(new)))
            old.stop()
            old = new
    assert load.failures == []
    assert set(load.answers) == {f"hamm-{number}" for number in range(9)}
    assert [member.name for member in system.router.observe().pools["hamm"]] == ["hamm-8"]


def test_reload_under_load(system: System) -> None:
    """Reloads under GET and POST fail no request and keep the members that the text names."""
    members = [endpoint(Backend(system.loop, f"hamm-{number}")) for number in range(2)]
    system.settle(endpoints(1, *members))
    first = system.router.observe().process
    with Load(system.loop, system.visitor, "/api/hamm/x", visitors=24) as load:
        for number in range(5):
            system.reload(f"sha256:{number}", *members)
            system.settle(endpoints(7, *members))
            assert system.router.observe().digest == f"sha256:{number}"
    assert load.failures == []
    assert set(load.answers) == {"hamm-0", "hamm-1"}
    assert system.router.observe().process != first


def test_reload_and_replacement_under_load(system: System) -> None:
    """A member that is replaced right behind a reload is kept until the old worker has finished with it, too."""
    old = Backend(system.loop, "hamm-0", delay_seconds=0.3)
    system.settle(endpoints(1, endpoint(old)))
    with Load(system.loop, system.visitor, "/api/hamm/x", visitors=24) as load:
        for number in range(1, 5):
            new = Backend(system.loop, f"hamm-{number}", delay_seconds=0.3)
            system.reload(f"sha256:{number}", endpoint(old))
            system.settle(endpoints(number, endpoint(old, Traffic.DRAINING), endpoint(new)))
            old.stop()
            old = new
    assert load.failures == []
    assert set(load.answers) == {f"hamm-{number}" for number in range(5)}


def test_death_of_a_member(system: System) -> None:
    """A member that dies under load costs no GET: what it had accepted and not answered is asked elsewhere."""
    backends = [Backend(system.loop, f"hamm-{number}") for number in range(2)]
    system.settle(endpoints(1, *map(endpoint, backends)))
    with Load(system.loop, system.visitor, "/api/hamm/x", methods=("GET",)) as load:
        wait_until(lambda: load.answers.total() > 50)
        backends[0].stop()
        wait_until(lambda: not system.router.observe().pools["hamm"][0].is_up)
    assert load.failures == []
    assert system.router.observe().pools["hamm"][1].is_up


def test_invalid_configuration(system: System) -> None:
    """A configuration that HAProxy refuses leaves the old one in force, running and on disk, in HAProxy's words."""
    backend = Backend(system.loop, "hamm-a")
    system.settle(endpoints(1, endpoint(backend)))
    before = system.running.program.configuration.read_text()
    with pytest.raises(RefusedError) as refused:
        system.router.reconfigure(system.text("sha256:bad") + "    nonsense here\n", "sha256:bad")
    assert "unknown keyword 'nonsense'" in refused.value.details
    assert system.running.program.configuration.read_text() == before
    assert system.router.observe().digest == "sha256:first"
    assert system.visitor.ask("/api/hamm/x")[0] == 200


def test_restart_after_a_crash(tmp_path: Path) -> None:
    """A configuration that is kept changes nothing that runs; a start after kill -9 finds its members."""
    with Loop() as loop:
        with run_house(tmp_path, loop) as system:
            member = endpoint(Backend(loop, "hamm-a"))
            text = system.text("sha256:kept", Pool(service="hamm", members=(member,)))
            system.router.keep(text)
            state = system.router.observe()
            assert (state.digest, state.pools["hamm"]) == ("sha256:first", ())
            os.kill(system.running.process, signal.SIGKILL)
            wait_until(lambda: not Path(f"/proc/{state.process}").exists())
        with run_haproxy(tmp_path, system.running.program.configuration.read_text()) as running:
            router = HaproxyRouter(running.runtime, running.master, running.reload)
            wait_until(lambda: acked_revision("hamm", endpoints(3, member), router.observe(), 0) == 3)
            assert router.observe().digest == "sha256:kept"
            assert system.visitor.ask("/api/hamm/x")[0] == 200


def test_example_campaign(tmp_path: Path) -> None:
    """HAProxy accepts what the example campaign's policy becomes, and without a route it accepts that too."""
    campaign = Path(__file__).parents[2] / "examples" / "campaign"
    gateway = read_gateway(campaign / "gateway.toml", services=("hamm", "events", "secretary"))
    program = HaproxyProgram(configuration=tmp_path / "gateway.cfg", master_socket=tmp_path / "master.sock")
    for policy in (gateway.policy, GatewayPolicy()):
        target = GatewayTarget(
            digest="sha256:abc",
            listener=GatewayListener(path=tmp_path / "gateway.sock"),
            runtime_socket=tmp_path / "runtime.sock",
            description=gateway.description,
        )
        program.configuration.write_text(print_haproxy(compile_gateway(policy, target)))
        program.validate(program.configuration)


def test_ignorance(system: System) -> None:
    """A catalogue that does not answer empties no pool."""
    backend = Backend(system.loop, "hamm-a")
    system.settle(endpoints(1, endpoint(backend)))
    assert plan_pool("hamm", Unknown.UNKNOWN, system.router.observe()) == ()
    assert acked_revision("hamm", Unknown.UNKNOWN, system.router.observe(), 1) == 1
    assert system.visitor.ask("/api/hamm/x")[0] == 200


def test_swallowed_command(system: System, tmp_path: Path) -> None:
    """Where a command is answered but not carried out, the read-back shows it and no ack is given."""
    backend = Backend(system.loop, "hamm-a")
    wanted = endpoints(5, endpoint(backend))
    with swallowing(tmp_path / "swallow.sock", system.target.runtime_socket):
        router: Router = HaproxyRouter(
            Runtime(tmp_path / "swallow.sock"),
            Master(system.running.program.master_socket),
            system.running.reload,
        )
        for step in plan_pool("hamm", wanted, router.observe()):
            router.apply(step)
        assert acked_revision("hamm", wanted, router.observe(), 4) == 4
        assert explain_waiting("hamm", wanted, router.observe()) == ("hamm-a is not serving yet",)
    system.settle(wanted, before=4)
    assert acked_revision("hamm", wanted, system.router.observe(), 4) == 5


@contextmanager
def swallowing(path: Path, real: Path) -> Iterator[None]:
    """Answer every command that changes something as if it had been done; pass on those that ask."""
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen()
        listener.settimeout(0.05)
        is_over = threading.Event()
        thread = threading.Thread(target=_swallow, args=(listener, Runtime(real), is_over))
        thread.start()
        try:
            yield
        finally:
            is_over.set()
            thread.join()


def _swallow(listener: socket.socket, runtime: Runtime, is_over: threading.Event) -> None:
    while not is_over.is_set():
        try:
            channel, _ = listener.accept()
        except TimeoutError:
            continue
        with channel, channel.makefile("rw") as talk:
            talk.write(_pretend(runtime, talk.read().strip()) + "\n")


def _pretend(runtime: Runtime, command: str) -> str:
    if command.startswith("show "):
        return runtime.ask(*command.split())
    return "New server registered.\n" if command.startswith("add server") else ""


def test_no_program(tmp_path: Path) -> None:
    """Where no program runs, observing says so and nothing is claimed."""
    runtime, master = Runtime(tmp_path / "none"), Master(tmp_path / "none")
    with pytest.raises(HandshakeError, match="nothing answers"):
        HaproxyRouter(runtime, master, None).observe()  # type: ignore[arg-type]  # the reload is not reached
