"""A registry of one npm package on loopback."""

from __future__ import annotations

import base64
import gzip
import hashlib
import io
import json
import tarfile
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

PACKAGE = {"name": "greeting", "version": "1.0.0", "main": "index.js", "bin": {"greet": "index.js"}}
MODULE = "module.exports = 'hello from a package'\n"


def pack() -> bytes:
    """Return the package's archive."""
    plain = io.BytesIO()
    with tarfile.open(fileobj=plain, mode="w") as archive:
        scripts = {"scripts": {"install": "touch installed-by-a-script"}}
        for name, text in (("package.json", json.dumps(PACKAGE | scripts)), ("index.js", MODULE)):
            member = tarfile.TarInfo(f"package/{name}")
            member.size, member.mode = len(text), 0o644
            archive.addfile(member, io.BytesIO(text.encode()))
    return gzip.compress(plain.getvalue(), mtime=0)


ARCHIVE = pack()
INTEGRITY = "sha512-" + base64.b64encode(hashlib.sha512(ARCHIVE).digest()).decode()


class _Answers(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        """Answer with the package's description or its archive."""
        self.server.asked.append(self.path)  # type: ignore[attr-defined]  # -- our own server below
        body = ARCHIVE if self.path.endswith(".tgz") else self._describe()
        self.send_response(200)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 -- the library's name
        """Say nothing."""

    def _describe(self) -> bytes:
        archive = f"http://{self.headers['Host']}/greeting/-/greeting-1.0.0.tgz"
        version = PACKAGE | {"dist": {"tarball": archive, "integrity": INTEGRITY}}
        described = {"name": "greeting", "dist-tags": {"latest": "1.0.0"}, "versions": {"1.0.0": version}}
        return json.dumps(described).encode()


class _Registry(ThreadingHTTPServer):
    asked: list[str]


@contextmanager
def npm_registry() -> Iterator[tuple[str, list[str]]]:
    """Yield the registry's address and the paths that it was asked for."""
    server = _Registry(("127.0.0.1", 0), _Answers)
    server.asked = []
    thread = Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}/", server.asked
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
