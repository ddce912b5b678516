"""Falco, which lints and executes Fastly's VCL: the nearest to Fastly that runs without an account.

`falco simulate` listens on every address of the machine and cannot be told otherwise; it runs for seconds, on a free port.
"""

from __future__ import annotations

import http.client
import io
import json
import os
import socket
import subprocess
from collections.abc import Iterable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from handshake.edge.fastly.compile.containers import LinterAccount, declare_account, plan_containers
from handshake.edge.fastly.compile.target import FastlyTarget
from handshake.edge.fastly.compile.vcl import compile_fastly
from handshake.edge.policy.policy import EdgePolicy
from handshake.syntax.fastly_vcl import print_fastly, table
from tests.live.haproxies import DEADLINE_SECONDS, wait_until
from tests.support.campaign import free_port

FALCO = Path(__file__).parents[2] / "tools" / "bin" / "falco"
WAIVERS = Path(__file__).with_name("fastly_waivers.txt")
_STAND_INS = {
    "country": ("client.geo.country_code", 'table.lookup(countries, req.http.X-HS-Client, "")'),
    "network": ("client.as.number", 'std.atoi(table.lookup(networks, req.http.X-HS-Client, "0"))'),
    "stale": ("stale.exists", "req.restarts > 9"),
    "vary": ("return(lookup);", "return(pass);"),
    "visits": ("fastly.ff.visits_this_service", "std.atoi(req.http.Test-Visits)"),
}
"""What falco cannot know, and what a test puts in its place; each is a waiver."""


def require_falco() -> None:
    """Skip where falco was not built, but not in CI."""
    if not FALCO.exists() and not os.environ.get("CI"):
        pytest.skip("tools/bin/falco is not built: script/tools falco")


def read_waivers() -> dict[str, str]:
    """Return the waivers by name, with their reasons."""
    lines = [line for line in WAIVERS.read_text().splitlines() if line and not line.startswith("#")]
    return {name: reason.strip() for name, _, reason in (line.partition(":") for line in lines)}


def stand_in(text: str, waivers: Iterable[str], tables: Mapping[str, Mapping[str, str]]) -> str:
    """Put what falco can read in the place of what only Fastly knows, under the names of waivers."""
    known = read_waivers()
    for waiver in waivers:
        assert waiver in known
        text = text.replace(*_STAND_INS[waiver])
    return print_fastly([table(name, items) for name, items in tables.items()]) + text


@dataclass(frozen=True, kw_only=True)
class Simulated:
    """An answer, and what the service did before it."""

    status: int
    headers: dict[str, str]
    cookies: tuple[str, ...]
    """What `Set-Cookie` says, one each."""
    body: str


def print_service(policy: EdgePolicy, target: FastlyTarget, account: LinterAccount) -> str:
    """Return the whole text, as Fastly would put it together."""
    containers = plan_containers(policy, target)
    return print_fastly((*declare_account(containers, account), *compile_fastly(policy, target)))


def lint(text: str, folder: Path) -> list[dict[str, Any]]:
    """Return everything that falco's linter says about a text, the mildest too."""
    require_falco()
    file = folder / "main.vcl"
    file.write_text(text)
    done = subprocess.run(
        [FALCO, "lint", "-json", "-vv", file.name], cwd=folder, capture_output=True, check=False, timeout=60
    )
    report = json.loads(done.stdout)
    told = [problem for problems in (report["LintErrors"] or {}).values() for problem in problems]
    assert not report["ParseErrors"], report["ParseErrors"]
    assert report["Errors"] + report["Warnings"] + report["Infos"] == len(told)
    return told


@dataclass(frozen=True, kw_only=True)
class Simulator:
    """A running `falco simulate`."""

    port: int

    def ask(
        self,
        path: str = "/",
        *,
        method: str = "GET",
        source: str = "127.0.0.1",
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
    ) -> Simulated:
        """Send one request from a loopback address."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=10, source_address=(source, 0)
        )
        try:
            told = headers or {}
            connection.putrequest(method, path, skip_host="Host" in told, skip_accept_encoding=True)
            if body is not None and "content-length" not in told:
                connection.putheader("Content-Length", str(len(body.encode())))
            for name, value in told.items():
                connection.putheader(name, value.encode())
            connection.endheaders((body or "").encode())
            return _parse(connection.getresponse().read(), method)
        finally:
            connection.close()


@contextmanager
def run_simulator(text: str, folder: Path) -> Iterator[Simulator]:
    """Run a service's text until the block ends; skip where falco was not built, but not in CI."""
    require_falco()
    (folder / "main.vcl").write_text(text)
    process, port = _start(folder)
    try:
        yield Simulator(port=port)
    finally:
        process.terminate()
        process.wait(DEADLINE_SECONDS)


def _start(folder: Path) -> tuple[subprocess.Popen[bytes], int]:
    """Start falco on a free port; on another where somebody was faster."""
    while True:
        port = free_port()
        # On the command line, falco takes the port for the name of a file.
        (folder / ".falco.yaml").write_text(f"simulator:\n  port: {port}\n")
        with (folder / "falco.log").open("wb") as log:
            process = subprocess.Popen(
                [FALCO, "simulate", "--proxy", "main.vcl"],
                cwd=folder,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        said = (folder / "falco.log").read_text
        wait_until(partial(_has_begun, process, port), said)
        if process.poll() is None:
            return process, port
        assert "address already in use" in said(), said()


def _parse(raw: bytes, method: str) -> Simulated:
    """Read the answer that falco writes, head and all, as the body of its own."""
    received: Any = _Received(raw)
    response = http.client.HTTPResponse(received, method=method)
    response.begin()
    return Simulated(
        status=response.status,
        headers={name.lower(): value for name, value in response.getheaders()},
        cookies=tuple(value for name, value in response.getheaders() if name.lower() == "set-cookie"),
        body=response.read().decode(),
    )


@dataclass(frozen=True)
class _Received:
    """Bytes that were received, as http.client wants them."""

    raw: bytes

    def makefile(self, _mode: str) -> io.BytesIO:
        return io.BytesIO(self.raw)


def _has_begun(process: subprocess.Popen[bytes], port: int) -> bool:
    return process.poll() is not None or _answers(port)


def _answers(port: int) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", port)) == 0
