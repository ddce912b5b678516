"""The peers: the same programs with nothing of ours in them, in the fewest lines that serve the same bytes."""

from __future__ import annotations

import os
import subprocess
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import urllib3
from tests.support.campaign import free_port

_START_SECONDS = 20.0

_ORIGIN = """\
pid {folder}/nginx.pid;
error_log stderr;
events {{}}
http {{
    access_log off;
    server {{
        listen 127.0.0.1:{port};
        root {folder}/www;
    }}
}}
"""

_CACHE = """\
vcl 4.1;
backend origin {{ .host = "127.0.0.1"; .port = "{port}"; }}
sub vcl_backend_response {{ set beresp.ttl = 1h; }}
"""

_INGRESS = """\
defaults
    mode http
    timeout client 30s
    timeout connect 2s
    timeout server 30s
{logs}frontend public
    bind {address}
    default_backend behind
backend behind
    http-reuse always
    server behind {behind}
"""
_LOGS = """\
    log stdout len 16384 format raw local0
    option httplog
"""
"""HAProxy's own line about each request, into a file: what an operator has who adds nothing of their own."""


@contextmanager
def bare_cache(folder: Path, pages: Mapping[str, bytes]) -> Iterator[tuple[str, str]]:
    """Serve these pages from HAProxy -> Unix socket -> Varnish -> nginx, at two addresses: the second one logs."""
    folder.chmod(0o755)  # nginx's own user must pass through
    for path, body in pages.items():
        _write(folder / "www" / (path.lstrip("/") or "index.html"), body)
    origin = free_port()
    settings = _write(folder / "nginx.conf", _ORIGIN.format(folder=folder, port=origin).encode())
    vcl = _write(folder / "bare.vcl", _CACHE.format(port=origin).encode())
    socket = folder / "cache.sock"
    nginx = ("nginx", "-c", str(settings), "-g", "daemon off;")
    varnish = ("varnishd", "-F", "-n", f"{folder}/varnish", "-a", f"{socket},mode=666", "-f", str(vcl))
    with (
        running(nginx),
        running(varnish),
        _bare_ingress(folder, f"unix@{socket}", next(iter(pages))) as silent,
        _bare_ingress(folder, f"unix@{socket}", next(iter(pages)), logs=_LOGS) as logging,
    ):
        yield silent, logging


@contextmanager
def bare_balancer(folder: Path, instance: str, path: str) -> Iterator[str]:
    """Serve what an instance serves, through HAProxy alone."""
    with _bare_ingress(folder, instance, path) as address:
        yield address


@contextmanager
def _bare_ingress(folder: Path, behind: str, path: str, *, logs: str = "") -> Iterator[str]:
    address = f"127.0.0.1:{free_port()}"
    text = _INGRESS.format(address=address, behind=behind, logs=logs)
    settings = _write(folder / f"haproxy-{address}.cfg", text.encode())
    with running(("haproxy", "-f", str(settings), "-db"), log=folder / f"haproxy-{address}.log"):
        wait_for(f"http://{address}{path}")
        yield address


@contextmanager
def running(command: Sequence[str], *, log: Path = Path(os.devnull)) -> Iterator[None]:
    """Keep a program up for as long as the block runs; what it says goes into a file."""
    with log.open("ab") as file:
        # The kernel may share a core among sessions, not programs: each has its own, as in a campaign.
        program = subprocess.Popen(command, stdout=file, stderr=file, start_new_session=True)
        try:
            yield
        finally:
            program.terminate()
            program.wait(timeout=10)


def wait_for(url: str) -> None:
    """Return once a URL answers 200."""
    http = urllib3.PoolManager(retries=False, timeout=2.0)
    deadline = time.monotonic() + _START_SECONDS
    while time.monotonic() < deadline:
        try:
            if http.request("GET", url).status == 200:  # noqa: PLR2004 -- OK
                return
        except urllib3.exceptions.HTTPError:
            pass
        time.sleep(0.05)
    raise AssertionError(f"{url} did not answer 200 within {_START_SECONDS:.0f} s")


def _write(file: Path, content: bytes) -> Path:
    file.parent.mkdir(parents=True, exist_ok=True)
    file.write_bytes(content)
    return file
