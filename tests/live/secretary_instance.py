"""Run the Secretary as a real process in front of a real content store, outside of a sandbox."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import urllib3

from handshake.core.digest import parse_digest
from tests.live.example_instance import Instance, end, node_environment
from tests.support.campaign import free_port

CAMPAIGN = Path(__file__).parents[2] / "examples/campaign"
TEMPLATES = CAMPAIGN / "templates/secretary"
CONTENT = CAMPAIGN / "content"
RELEASE = "sha256:" + "3f" * 32


def start_secretary(folder: Path, templates: Path, url: str, port: int) -> subprocess.Popen[bytes]:
    """Start an instance; its log is the folder's file `log`."""
    folder.mkdir(exist_ok=True)
    (folder / "content").write_text(url + "\n", encoding="utf-8")
    environment = {
        **node_environment("secretary", port, parse_digest(RELEASE)),
        "HANDSHAKE_SECRETS": str(folder),
        "HANDSHAKE_TEMPLATES": str(templates),
    }
    with (folder / "log").open("ab") as log:
        return subprocess.Popen(
            [sys.executable, "-m", "handshake.renderer.__main__"], env=environment, stdout=log
        )


@contextmanager
def run_secretary(folder: Path, url: str, templates: Path = TEMPLATES) -> Iterator[Instance]:
    """Run an instance until it answers, whatever it answers, and end it."""
    port = free_port()
    process = start_secretary(folder, templates, url, port)
    pool = urllib3.HTTPConnectionPool("127.0.0.1", port, timeout=10, retries=False)
    with closing(pool):
        try:
            patience = urllib3.Retry(total=200, backoff_factor=0.05, backoff_max=0.05)
            pool.request("GET", "/health", retries=patience)
            yield Instance(process=process, pool=pool, log=folder / "log")
        finally:
            end(process)
