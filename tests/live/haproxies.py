"""A real HAProxy of a test's own, started in the foreground and ended with the test."""

from __future__ import annotations

import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from handshake.core.clock import SystemClock
from handshake.core.errors import HandshakeError
from handshake.drivers.haproxy.program import HaproxyProgram
from handshake.drivers.haproxy.reload import Master, Reload
from handshake.drivers.haproxy.runtime import Runtime

DEADLINE_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Running:
    """What a test needs of the HAProxy that it started."""

    program: HaproxyProgram
    runtime: Runtime
    master: Master
    reload: Reload
    process: int
    """The master's process id."""
    log: Path
    """Standard output: the access log."""


@contextmanager
def run_haproxy(folder: Path, text: str) -> Iterator[Running]:
    """Run HAProxy with a configuration whose stats socket is `folder/runtime.sock`."""
    program = HaproxyProgram(configuration=folder / "haproxy.cfg", master_socket=folder / "master.sock")
    program.configuration.write_text(text)
    runtime, master = Runtime(folder / "runtime.sock"), Master(program.master_socket)
    with (folder / "log").open("wb") as log, (folder / "err").open("wb") as err:
        process = subprocess.Popen(program.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=err)
        try:
            wait_until(lambda: _answers(runtime, master), (folder / "err").read_text)
            yield Running(
                program=program,
                runtime=runtime,
                master=master,
                reload=Reload(program, master, runtime, SystemClock()),
                process=process.pid,
                log=folder / "log",
            )
        finally:
            process.terminate()
            process.wait(DEADLINE_SECONDS)


def wait_until(is_done: Callable[[], bool], told: Callable[[], object] = lambda: "") -> None:
    """Look again and again until something is so; fail, with what is told, when it is not in time."""
    deadline = time.monotonic() + DEADLINE_SECONDS
    while not is_done():
        assert time.monotonic() < deadline, told()
        time.sleep(0.02)


def _answers(runtime: Runtime, master: Master) -> bool:
    try:
        return runtime.info().process == master.workers().current
    except HandshakeError:
        return False
