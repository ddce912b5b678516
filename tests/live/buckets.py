"""Servers that speak S3, for tests: versitygw over a folder, and moto in memory."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest

from handshake.drivers.s3.store import Credential, S3Store
from handshake.release.regions import Bucket
from tests.support.campaign import free_port

VERSITYGW = Path(__file__).parents[2] / "tools/bin/versitygw"
ROOT = Credential(id="root", secret="root's secret")


@dataclass(frozen=True, kw_only=True)
class S3Server:
    """A server that holds buckets."""

    url: str

    def bucket(self, name: str, prefix: str = "") -> Bucket:
        """Return where a bucket of this server is."""
        return Bucket(endpoint=self.url, name=name, prefix=prefix)

    def make_bucket(self, name: str) -> None:
        """Make an empty bucket."""
        self._root().create_bucket(Bucket=name)

    def set_policy(self, name: str, policy: str) -> None:
        """Say who may do what with a bucket, as an operator does with the provider's own tool."""
        self._root().put_bucket_policy(Bucket=name, Policy=policy)

    def make_user(self, key: Credential) -> None:
        """Make somebody who may do nothing yet; versitygw alone."""
        admin = [
            str(VERSITYGW),
            "admin",
            "--access",
            ROOT.id,
            "--secret",
            ROOT.secret,
            "--endpoint-url",
            self.url,
        ]
        made = ["create-user", "--access", key.id, "--secret", key.secret, "--role", "user"]
        subprocess.run([*admin, *made], check=True, capture_output=True)

    def _root(self) -> Any:
        return boto3.client(
            "s3",
            endpoint_url=self.url,
            region_name="us-east-1",
            aws_access_key_id=ROOT.id,
            aws_secret_access_key=ROOT.secret,
        )

    def store(self, name: str, *, region: str = "west", prefix: str = "") -> S3Store:
        """Return the store over a bucket, for the server's own root."""
        return S3Store(self.bucket(name, prefix), ROOT, region)


@contextmanager
def run_versitygw(folder: Path) -> Iterator[S3Server]:
    """Run versitygw over a folder until the block ends; each folder in it is a bucket."""
    if not VERSITYGW.exists() and not os.environ.get("CI"):
        pytest.skip("tools/bin/versitygw is not built: script/tools versitygw")
    objects, people, port = folder / "objects", folder / "people", free_port()
    objects.mkdir(parents=True)
    people.mkdir()
    argv = [str(VERSITYGW), "--port", f"127.0.0.1:{port}", "--iam-dir", str(people), "--quiet"]
    keys = {"ROOT_ACCESS_KEY": ROOT.id, "ROOT_SECRET_KEY": ROOT.secret}
    with _run([*argv, "posix", str(objects)], port, os.environ | keys) as url:
        yield S3Server(url=url)


@contextmanager
def run_moto() -> Iterator[S3Server]:
    """Run moto's server until the block ends."""
    port = free_port()
    program = "import sys; from moto.server import main; main(sys.argv[1:])"
    argv = [sys.executable, "-c", program, "-H", "127.0.0.1", "-p", str(port)]
    with _run(argv, port, os.environ) as url:
        yield S3Server(url=url)


@contextmanager
def _run(argv: list[str], port: int, environment: "os._Environ[str] | dict[str, str]") -> Iterator[str]:
    process = subprocess.Popen(
        argv, env=dict(environment), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    try:
        _wait_for(port, process)
        yield f"http://127.0.0.1:{port}"
    finally:
        process.send_signal(signal.SIGTERM)
        process.wait(timeout=10)


def _wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    deadline = time.monotonic() + 30
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise AssertionError("the S3 server did not start")
