"""A gateway as the campaign runs it, and instances of the cheapest kind behind it: nginx with one answer for everything."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import count
from pathlib import Path

from tests.support.campaign import free_port

from bare import bare_balancer, running
from handshake.catalog.entries import Endpoint, Endpoints, Traffic
from handshake.core.clock import SystemClock
from handshake.core.errors import HandshakeError
from handshake.drivers.haproxy.program import HaproxyProgram
from handshake.drivers.haproxy.reload import Master, Reload
from handshake.drivers.haproxy.router import HaproxyRouter
from handshake.drivers.haproxy.runtime import Runtime
from handshake.gateway.haproxy import GatewayListener, GatewayTarget, UnixAccount, compile_gateway
from handshake.gateway.policy import GatewayPolicy, Route
from handshake.gateway.pool import acked_revision, explain_waiting, plan_pool
from handshake.syntax.haproxy import print_haproxy

PATH = "/api/hamm"
_SERVICE = "hamm"
_SETTLE_SECONDS = 20.0
_PAUSE_SECONDS = 0.02

_INSTANCE = """\
daemon off;
master_process off;
pid {folder}/{name}.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    server {{
        listen 127.0.0.1:{port};
        location / {{ return 200 "hamm\\n"; }}
    }}
}}
"""


@dataclass(frozen=True, kw_only=True)
class Instance:
    """One nginx that answers 200 to whatever it is asked."""

    name: str
    port: int
    process: subprocess.Popen[bytes]

    def endpoint(self, traffic: Traffic = Traffic.OPEN) -> Endpoint:
        """Return it as the catalogue would name it."""
        return Endpoint(id=self.name, service=_SERVICE, host="127.0.0.1", port=self.port, traffic=traffic)

    def stop(self) -> None:
        """Let it finish what it has in hand, and end it."""
        self.process.send_signal(signal.SIGQUIT)
        self.process.wait(timeout=10)


@dataclass(kw_only=True)
class Gate:
    """A running gateway and its pool."""

    folder: Path
    router: HaproxyRouter
    address: str = ""
    """Where visitors come in."""
    members: list[Instance] = field(default_factory=list)
    """Oldest first."""
    _numbers: Iterator[int] = field(default_factory=lambda: count(1))

    def launch(self, number: int) -> list[Instance]:
        """Start instances; nobody is sent to them yet."""
        return [self._start(f"hamm-{next(self._numbers)}") for _ in range(number)]

    def replace_oldest(self, number: int) -> float:
        """Replace as many members at once as an agent and a leader would; the seconds until the old ones ended."""
        begun = time.perf_counter()
        newcomers, old, kept = self.launch(number), self.members[:number], self.members[number:]
        staying = [member.endpoint() for member in (*kept, *newcomers)]
        self.members = [*old, *kept, *newcomers]
        self.settle(*(member.endpoint() for member in old), *staying)
        self.settle(*(member.endpoint(Traffic.DRAINING) for member in old), *staying)
        self.members = [*kept, *newcomers]
        for member in old:
            member.stop()
        return time.perf_counter() - begun

    def settle(self, *endpoints: Endpoint) -> None:
        """Move the pool until the gateway has acknowledged these endpoints."""
        wanted = Endpoints(index=next(self._numbers), endpoints=endpoints)
        deadline = time.monotonic() + _SETTLE_SECONDS
        while acked_revision(_SERVICE, wanted, self.router.observe(), 0) != wanted.index:
            if time.monotonic() > deadline:
                waiting = explain_waiting(_SERVICE, wanted, self.router.observe())
                raise AssertionError(f"the gateway did not follow: {'; '.join(waiting)}")
            for step in plan_pool(_SERVICE, wanted, self.router.observe()):
                self.router.apply(step)
            time.sleep(_PAUSE_SECONDS)

    def stop(self) -> None:
        """End every instance."""
        for member in self.members:
            member.stop()

    def _start(self, name: str) -> Instance:
        port, settings = free_port(), self.folder / f"{name}.conf"
        settings.write_text(_INSTANCE.format(folder=self.folder, name=name, port=port))
        process = subprocess.Popen(
            ("nginx", "-c", str(settings)), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        return Instance(name=name, port=port, process=process)


@contextmanager
def run_gate(folder: Path, *, members: int) -> Iterator[Gate]:
    """Run a gateway over a pool of new instances, behind a bare ingress that keeps its visitors' connections."""
    socket, runtime = folder / "gateway.sock", Runtime(folder / "runtime.sock")
    program = HaproxyProgram(configuration=folder / "gateway.cfg", master_socket=folder / "master.sock")
    program.configuration.write_text(_configuration(folder, socket))
    with running(program.argv):
        gate = Gate(folder=folder, router=_router(program, runtime))
        try:
            _wait_for(gate.router)
            gate.members = gate.launch(members)
            gate.settle(*(member.endpoint() for member in gate.members))
            with bare_balancer(folder, f"unix@{socket}", PATH) as gate.address:
                yield gate
        finally:
            gate.stop()


def _configuration(folder: Path, socket: Path) -> str:
    target = GatewayTarget(
        digest="sha256:bench",
        listener=GatewayListener(path=socket),
        runtime_socket=folder / "runtime.sock",
        account=UnixAccount(user="haproxy", group="haproxy") if os.geteuid() == 0 else None,
    )
    policy = GatewayPolicy(route=(Route(path=PATH, service=_SERVICE),))
    return print_haproxy(compile_gateway(policy, target))


def _router(program: HaproxyProgram, runtime: Runtime) -> HaproxyRouter:
    master = Master(program.master_socket)
    return HaproxyRouter(runtime, master, Reload(program, master, runtime, SystemClock()))


def _wait_for(router: HaproxyRouter) -> None:
    deadline = time.monotonic() + _SETTLE_SECONDS
    while time.monotonic() < deadline:
        try:
            router.observe()
        except HandshakeError:
            time.sleep(_PAUSE_SECONDS)
        else:
            return
    raise AssertionError(f"the gateway does not answer within {_SETTLE_SECONDS:.0f} s")
