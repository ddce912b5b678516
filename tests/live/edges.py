"""A real edge of a test's own: HAProxy, Varnish, and behind them a gateway and two regions that obey the test."""

from __future__ import annotations

import http.client
import os
import shutil
import socket
import socketserver
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass, field
from functools import partial
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from handshake.core.clock import SystemClock
from handshake.core.errors import HandshakeError
from handshake.drivers.haproxy.maps import Maps
from handshake.drivers.varnish.cache import VarnishCache
from handshake.drivers.varnish.program import VarnishProgram
from handshake.edge.cache.cache import Cache
from handshake.edge.cache.compile.target import CacheTarget, PreviewRoute, RegionSocket, SiteRoute
from handshake.edge.cache.compile.vcl import compile_cache
from handshake.edge.ingress.compile.configuration import compile_ingress
from handshake.edge.ingress.compile.maps import COUNTRIES, NETWORKS, name_list_map, seed_maps
from handshake.edge.ingress.compile.target import Accounts, IngressListener, IngressTarget, Region
from handshake.edge.policy.policy import EdgePolicy
from handshake.syntax.haproxy import print_haproxy
from handshake.syntax.vcl import print_vcl
from tests.live.haproxies import DEADLINE_SECONDS, Running, run_haproxy, wait_until
from tests.support.campaign import free_port

DIGEST = "sha256:" + "7" * 64
ACCOUNTS = Accounts(ingress="haproxy", cache="vcache") if os.geteuid() == 0 else Accounts()

STORAGE_MEGABYTES = 48


@dataclass(frozen=True, kw_only=True)
class Seen:
    """A request as an origin received it."""

    method: str
    path: str
    headers: dict[str, str]


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A visitor's answer."""

    status: int
    headers: dict[str, str]
    body: str


@dataclass(kw_only=True)
class Origin:
    """A small server whose answers the test sets: path -> status, headers, body."""

    files: dict[str, tuple[int, dict[str, str], str]] = field(default_factory=dict)
    is_down: bool = False
    delay_seconds: float = 0.0
    seen: list[Seen] = field(default_factory=list)
    port: int = 0

    def answer(self, handler: BaseHTTPRequestHandler) -> None:
        """Answer one request, or hang up where the origin is down."""
        body = _read_body(handler)
        if self.is_down:
            handler.close_connection = True
            return
        # HEAD comes only from the origin proxy's health checks: the cache always asks for the whole file.
        if handler.command != "HEAD":
            headers = {name.lower(): value for name, value in handler.headers.items()}
            self.seen.append(Seen(method=handler.command, path=handler.path, headers=headers))
        time.sleep(self.delay_seconds)
        missing = (404, {"Content-Type": "text/plain"}, f"missing {len(body)}")
        status, more, text = self.files.get(handler.path.partition("?")[0], missing)
        handler.send_response(status)
        for name, value in more.items():
            handler.send_header(name, value)
        handler.send_header("Content-Length", str(len(text.encode())))
        handler.end_headers()
        if handler.command != "HEAD":
            handler.wfile.write(text.encode())


class UnixServer(socketserver.ThreadingUnixStreamServer):
    """HTTP on a Unix socket."""

    daemon_threads = True
    request_queue_size = 64


@contextmanager
def serve_origin(origin: Origin, path: Path | None = None) -> Iterator[None]:
    """Serve an origin on a Unix socket, or on a free port of loopback."""
    handler = _make_handler(origin)
    server: Any = UnixServer(str(path), handler) if path else ThreadingHTTPServer(("127.0.0.1", 0), handler)
    if path:
        path.chmod(0o777)
    else:
        origin.port = server.server_address[1]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


@dataclass(kw_only=True)
class Edge:
    """A running edge."""

    folder: Path
    port: int
    policy: EdgePolicy
    gateway: Origin
    regions: tuple[Origin, Origin]
    ingress: Running
    cache: Cache
    sites: tuple[SiteRoute, ...]

    @property
    def maps(self) -> Maps:
        """The ingress's maps."""
        return Maps(self.ingress.runtime)

    def map_name(self, name: str) -> str:
        """Return a list's map as the running ingress knows it."""
        return str(self.folder / "maps" / name_list_map(name))

    def print_cache(
        self, sites: tuple[SiteRoute, ...] | None = None, previews: tuple[PreviewRoute, ...] = ()
    ) -> str:
        """Return the VCL for these sites."""
        return print_vcl(
            compile_cache(self.policy, _cache_target(self.folder), sites or self.sites, previews)
        )

    def ask(
        self,
        path: str = "/",
        *,
        method: str = "GET",
        source: str = "127.0.0.1",
        headers: Mapping[str, str] | None = None,
        body: str | None = None,
    ) -> Answer:
        """Send one request from a loopback address."""
        connection = http.client.HTTPConnection(
            "127.0.0.1", self.port, timeout=10, source_address=(source, 0)
        )
        try:
            connection.request(method, path, body, dict(headers or {}))
            response = connection.getresponse()
            return Answer(
                status=response.status,
                headers={name.lower(): value for name, value in response.getheaders()},
                body=response.read().decode(),
            )
        finally:
            connection.close()

    def send_raw(self, text: bytes, source: str = "127.0.0.1") -> bytes:
        """Send bytes as they are and return everything that comes back until the connection ends."""
        with socket.create_connection(
            ("127.0.0.1", self.port), timeout=10, source_address=(source, 0)
        ) as connection:
            connection.sendall(text)
            return b"".join(iter(lambda: connection.recv(65536), b""))


@contextmanager
def run_edge(
    policy: EdgePolicy,
    sites: tuple[SiteRoute, ...],
    countries: str,
    *,
    networks: str = "",
    regions: tuple[Origin, Origin] | None = None,
    serve_gateway: Callable[[Path], AbstractContextManager[None]] | None = None,
    more: Callable[[IngressTarget], IngressTarget] = lambda its: its,
) -> Iterator[Edge]:
    """Run ingress, cache and origins until the block ends."""
    with ExitStack() as stack:
        folder = stack.enter_context(open_folder())
        gateway, regions = Origin(), regions or (Origin(), Origin())
        serve = serve_gateway or partial(serve_origin, gateway)
        stack.enter_context(serve(folder / "gateway.sock"))
        for region in regions:
            stack.enter_context(serve_origin(region))
        _write_maps(folder, {**seed_maps(policy), COUNTRIES: countries, NETWORKS: networks})
        port = free_port()
        target = more(_ingress_target(folder, port, regions))
        ingress = stack.enter_context(run_haproxy(folder, print_haproxy(compile_ingress(policy, target))))
        cache = stack.enter_context(run_varnish(folder))
        edge = Edge(
            folder=folder,
            port=port,
            policy=policy,
            gateway=gateway,
            regions=regions,
            ingress=ingress,
            cache=cache,
            sites=sites,
        )
        cache.prepare("first", edge.print_cache())
        cache.flip("first")
        yield edge


@contextmanager
def run_varnish(folder: Path) -> Iterator[Cache]:
    """Run Varnish until the block ends; a second time in one folder, it is a restart."""
    program = VarnishProgram(
        directory=folder / "cache",
        socket=folder / "cache.sock",
        ingress_user=ACCOUNTS.ingress,
        storage_megabytes=STORAGE_MEGABYTES,
    )
    program.lay_out()
    cache = VarnishCache(program, SystemClock())
    with (folder / "varnishd.log").open("ab") as log:
        process = subprocess.Popen(program.argv, stdin=subprocess.DEVNULL, stdout=log, stderr=log)
        try:
            wait_until(
                lambda: _answers(cache.active) and program.socket.exists(),
                (folder / "varnishd.log").read_text,
            )
            yield cache
        finally:
            process.terminate()
            process.wait(DEADLINE_SECONDS)


def _answers(ask: Callable[[], object]) -> bool:
    try:
        ask()
    except HandshakeError:
        return False
    return True


@contextmanager
def open_folder() -> Iterator[Path]:
    """Open a folder into which Varnish's own user may look, with a name short enough for sockets."""
    folder = Path(tempfile.mkdtemp(prefix="edge-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder)


def _read_body(handler: BaseHTTPRequestHandler) -> bytes:
    """Read a request's whole body: what is left of it would be taken for the connection's next request."""
    if "chunked" not in handler.headers.get("Transfer-Encoding", ""):
        return handler.rfile.read(int(handler.headers.get("Content-Length", 0)))
    body = b""
    while size := int(handler.rfile.readline(), 16):
        body += handler.rfile.read(size + 2)[:-2]
    handler.rfile.readline()
    return body


def _make_handler(origin: Origin) -> type[BaseHTTPRequestHandler]:
    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            origin.answer(self)

        do_HEAD = do_POST = do_DELETE = do_GET  # noqa: N815 -- the library's names

        def address_string(self) -> str:
            return "-"

        def log_message(self, *_: object) -> None:
            pass

    return Handler


def _ingress_target(folder: Path, port: int, regions: tuple[Origin, Origin]) -> IngressTarget:
    return IngressTarget(
        digest=DIGEST,
        listeners=(IngressListener(address=f"127.0.0.1:{port}"),),
        runtime_socket=str(folder / "runtime.sock"),
        maps=str(folder / "maps"),
        cache_socket=str(folder / "cache.sock"),
        regions=tuple(
            Region(
                name=name,
                socket=str(folder / f"{name}.sock"),
                address=f"127.0.0.1:{its.port}",
                host=f"{name}.store",
            )
            for name, its in zip("ab", regions, strict=True)
        ),
        decoy_key="aGFuZHNoYWtl",
        accounts=ACCOUNTS,
    )


def _cache_target(folder: Path) -> CacheTarget:
    return CacheTarget(
        gateway_socket=str(folder / "gateway.sock"),
        regions=tuple(RegionSocket(name=name, socket=str(folder / f"{name}.sock")) for name in "ab"),
        storage_megabytes=STORAGE_MEGABYTES,
    )


def _write_maps(folder: Path, texts: Mapping[str, str]) -> None:
    maps = folder / "maps"
    maps.mkdir()
    for name, text in texts.items():
        (maps / name).write_text(text)
