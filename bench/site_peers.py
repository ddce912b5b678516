"""The programs that others copy sites into buckets with, each as it is used for that, against one S3 server."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT, SECRET = "root", "bench"
OURS = "handshake"
PEERS = {"rclone": "rclone", "aws s3 sync": "aws", "s3cmd": "s3cmd"}
"""What a peer is called here -> its program, of Debian's package of the same name (awscli for aws)."""
_CA_BUNDLE = "AWS_CA_BUNDLE"
"""Older rclones refuse to work where it is set."""
_SAID_BYTES = 500


@dataclass(frozen=True, kw_only=True)
class Run:
    """What one run of a program took."""

    seconds: float
    peak_mib: float
    is_cut: bool = False
    """It was ended at its limit: it would have taken longer."""


def missing_peers() -> list[str]:
    """Return the programs that are not installed."""
    return [program for program in PEERS.values() if shutil.which(program, path="/usr/bin") is None]


def sync_argv(peer: str, url: str, folder: Path, bucket: str) -> list[str]:
    """Return the command with which a peer makes a bucket what a folder is."""
    host = url.removeprefix("http://")
    match peer:
        case "rclone":
            words = ["/usr/bin/rclone", "-q", "sync", "--transfers", "16", "--checkers", "16"]
            return [*words, str(folder), f"bench:{bucket}"]
        case "aws s3 sync":
            words = ["/usr/bin/aws", "--endpoint-url", url, "s3", "sync", "--only-show-errors", "--delete"]
            return [*words, str(folder), f"s3://{bucket}"]
        case _:
            words = ["/usr/bin/s3cmd", "-q", "--no-ssl", "--host", host, "--host-bucket", host]
            keys = ["--no-mime-magic", "--access_key", ROOT, "--secret_key", SECRET]
            return [*words, *keys, "sync", "--delete-removed", f"{folder}/", f"s3://{bucket}/"]


def ours_argv(
    url: str, folder: Path, previous: Path, *, assets: str = "", variants: Path | None = None
) -> list[str]:
    """Return the command with which we publish a folder; `assets` is the folder of hashed names in it."""
    program = Path(__file__).with_name("site_publish.py")
    words = [sys.executable, str(program), url, str(folder), str(previous), assets]
    return [*words, str(variants)] if variants else words


def environment(url: str) -> dict[str, str]:
    """Return what the peers are told of the server."""
    own = {name: value for name, value in os.environ.items() if name != _CA_BUNDLE}
    rclone = {
        "TYPE": "s3",
        "PROVIDER": "Other",
        "ENDPOINT": url,
        "ACCESS_KEY_ID": ROOT,
        "SECRET_ACCESS_KEY": SECRET,
    }
    aws = {"AWS_ACCESS_KEY_ID": ROOT, "AWS_SECRET_ACCESS_KEY": SECRET, "AWS_DEFAULT_REGION": "us-east-1"}
    return own | aws | {f"RCLONE_CONFIG_BENCH_{name}": value for name, value in rclone.items()}


def run(argv: Sequence[str], env: Mapping[str, str], limit_seconds: float) -> Run:
    """Run a program to its end or to its limit; RuntimeError with its words where it fails."""
    began = time.monotonic()
    process = subprocess.Popen(
        argv, env=dict(env), stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True
    )
    assert process.stderr
    cut = threading.Event()

    def end() -> None:
        cut.set()
        process.kill()

    timer = threading.Timer(limit_seconds, end)
    timer.start()
    try:
        said = process.stderr.read()
        _, status, usage = os.wait4(process.pid, 0)
    finally:
        timer.cancel()
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode and not cut.is_set():
        raise RuntimeError(f"{argv[0]} failed: {said[-_SAID_BYTES:]}")
    return Run(seconds=time.monotonic() - began, peak_mib=usage.ru_maxrss / 1024, is_cut=cut.is_set())
