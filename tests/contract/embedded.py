"""Starts the embedded catalogue as its own process for a test."""

import json
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.campaign import free_port

CREDENTIAL = "test-write-credential"


@dataclass(frozen=True, kw_only=True)
class CatalogAddress:
    """Where a running catalogue listens, and what it wants to hear."""

    host: str
    port: int
    credential: str


@contextmanager
def run_embedded_catalog(folder: Path) -> Iterator[CatalogAddress]:
    """Run an embedded catalogue over a folder until the block ends."""
    credentials = folder / "credentials.json"
    credentials.write_text(json.dumps({"write": CREDENTIAL, "read": "test-read-credential"}))
    credentials.chmod(0o600)
    address = CatalogAddress(host="127.0.0.1", port=free_port(), credential=CREDENTIAL)
    command = [sys.executable, "-m", "handshake.drivers.embedded_catalog"]
    command += ["--listen", f"{address.host}:{address.port}", "--data", str(folder / "data")]
    command += ["--credentials", str(credentials), "--node", "n1"]
    process = subprocess.Popen(command)
    try:
        _wait_for(address, process)
        yield address
    finally:
        process.terminate()
        process.wait(timeout=10)


def _wait_for(address: CatalogAddress, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 15
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((address.host, address.port)) == 0:
                return
        time.sleep(0.02)
    raise AssertionError("the embedded catalogue did not start")
