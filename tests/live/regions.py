"""Regions for tests: a directory store, nginx in front of it, and a site to publish."""

import os
import signal
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import urllib3

from handshake.core.subject import Kind, Subject
from handshake.drivers.directory.store import DirectoryStore, make_region
from handshake.drivers.nginx.region_server import RegionServer, nginx_argv, print_configuration
from handshake.release.manifest import Encoding, Manifest, release_id
from handshake.release.objects import ObjectStore
from handshake.release.provenance import Provenance
from handshake.release.upload import UploadProgress
from handshake.site.release import read_site
from handshake.site.upload import asset_keys, document_keys, publish_site
from tests.support.campaign import free_port

ASSETS = ("assets/",)
CALLS = {
    "index.html": b"<!doctype html><title>calls</title>",
    "about/index.html": b"<!doctype html><title>about</title>",
    "assets/app.3f2a9b1c.js": b"export const calls = 1;",
    "assets/style.0d1e2f3a.css": b"body { color: teal }",
    "data/fila \u0444.json": b"{}",
    "robots.txt": b"User-agent: *\n",
    "LICENSE": b"free",
    "empty.txt": b"",
    "logo.SVG": b"<svg/>",
}


@dataclass(frozen=True, kw_only=True)
class Region:
    """One region: its store, and the server in front of it."""

    store: DirectoryStore
    folder: Path
    url: str
    pid: int

    def ask(
        self, path: str, method: str = "GET", headers: Mapping[str, str] | None = None
    ) -> urllib3.HTTPResponse:
        """Send one request, following nothing and expanding nothing."""
        answer = urllib3.request(
            method, self.url + path, headers=headers, redirect=False, retries=False, decode_content=False
        )
        assert isinstance(answer, urllib3.HTTPResponse)
        return answer


@contextmanager
def open_folder() -> Iterator[Path]:
    """Make a folder that the server's own user may enter, which pytest's are not."""
    with tempfile.TemporaryDirectory(prefix="handshake-regions-") as name:
        Path(name).chmod(0o755)
        yield Path(name)


@contextmanager
def serve(folder: Path, name: str) -> Iterator[Region]:
    """Run a region's static file server until the block ends."""
    state = folder / "state"
    state.mkdir(parents=True)
    store = make_region(folder / "objects", name)
    user = "www-data" if os.geteuid() == 0 else ""
    server = RegionServer(
        directory=folder / "objects", state=state, host="127.0.0.1", port=free_port(), user=user
    )
    server.configuration.write_text(print_configuration(server))
    process = subprocess.Popen(nginx_argv(server))
    try:
        wait_for(server, process)
        url = f"http://{server.host}:{server.port}"
        yield Region(store=store, folder=folder / "objects", url=url, pid=process.pid)
    finally:
        process.send_signal(signal.SIGQUIT)
        process.wait(timeout=10)


def wait_for(server: RegionServer, process: "subprocess.Popen[bytes]") -> None:
    """Wait until the server answers on its health path."""
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline and process.poll() is None:
        with socket.socket() as probe:
            if probe.connect_ex((server.host, server.port)) == 0:
                assert urllib3.request("GET", server.health_url, retries=False).status == 200
                return
        time.sleep(0.02)
    raise AssertionError("nginx did not start")


def build(folder: Path, files: Mapping[str, bytes]) -> Path:
    """Write a built site."""
    for path, content in files.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_bytes(content)
    return folder


def publish(
    stores: Sequence[ObjectStore], folder: Path, previous: Manifest | None = None
) -> tuple[Manifest, list[UploadProgress]]:
    """Publish a built folder as the site calls."""
    manifest, reports = read_site(folder, ASSETS), list[UploadProgress]()
    publish_site(
        stores,
        manifest,
        folder,
        site="calls",
        previous=previous,
        provenance=made(manifest),
        report=reports.append,
        variants=folder.parent / "variants",
    )
    return manifest, reports


def made(manifest: Manifest) -> Provenance:
    """Return a provenance of a manifest."""
    subject = Subject(kind=Kind.SITE, name="calls")
    return Provenance(
        subject=subject, release=release_id(manifest), source="calls", commit="", builder="test", made_at=1.0
    )


def keys_of(manifest: Manifest) -> dict[str, str]:
    """Return path -> key of every file of a release of calls."""
    both = asset_keys("calls", manifest) | document_keys("calls", manifest)
    return {file.path: key for key, file in both.items()}


def quoted(key: str) -> str:
    """Return a key as a URL's path."""
    return f"/{quote(key)}"


def variant_of(manifest: Manifest, path: str, encoding: Encoding) -> str:
    """Return the key of a file's variant."""
    key = keys_of(manifest)[path]
    return f"{key.removesuffix(path)}{encoding.folder}{path}"
