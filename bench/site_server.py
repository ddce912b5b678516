"""One S3 server for everybody who is measured: versitygw over a folder, with a bucket for each."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from tests.support.campaign import free_port

from site_peers import PEERS, ROOT, SECRET

VERSITYGW = Path(__file__).parents[1] / "tools/bin/versitygw"
_START_SECONDS = 10.0


@dataclass(frozen=True, kw_only=True)
class Buckets:
    """A server that runs, and where its buckets lie."""

    url: str
    folder: Path

    def empty(self) -> None:
        """Begin the next measure with empty buckets."""
        for name in _names():
            shutil.rmtree(self.folder / name)
            (self.folder / name).mkdir()


@contextmanager
def serve_buckets(root: Path) -> Iterator[Buckets]:
    """Run the server until the block ends."""
    for name in _names():
        (root / "buckets" / name).mkdir(parents=True)
    (root / "people").mkdir()
    port = free_port()
    argv = [str(VERSITYGW), "--port", f"127.0.0.1:{port}", "--iam-dir", str(root / "people"), "--quiet"]
    keys = {"ROOT_ACCESS_KEY": ROOT, "ROOT_SECRET_KEY": SECRET}
    server = subprocess.Popen(
        [*argv, "posix", str(root / "buckets")], env=os.environ | keys, stdout=subprocess.DEVNULL
    )
    try:
        _wait_for(port)
        yield Buckets(url=f"http://127.0.0.1:{port}", folder=root / "buckets")
    finally:
        # It waits for connections that nobody uses any more; what it holds is thrown away.
        server.kill()
        server.wait(timeout=10)


def _names() -> Sequence[str]:
    return ("ours", *PEERS.values())


def _wait_for(port: int) -> None:
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    sys.exit("bench sites: versitygw did not start")
