"""TLS and HTTP/2 at the real ingress: the protocol's own suite, a renewal under load, and an ACME challenge."""

from __future__ import annotations

import os
import socket
import ssl
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from http.client import HTTPSConnection
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest

from handshake.core.clock import SystemClock
from handshake.core.errors import RefusedError
from handshake.drivers.x509.self_signed import make_self_signed, print_self_signed
from handshake.edge.ingress.compile.configuration import compile_ingress
from handshake.edge.ingress.compile.target import IngressListener, IngressTarget
from handshake.edge.ingress.reconcile import digest_certificates
from handshake.syntax.haproxy import print_haproxy
from tests.live.edges import Edge, run_edge
from tests.live.smuggling import Recorder
from tests.support.campaign import free_port
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

H2SPEC = Path(__file__).parents[2] / "tools" / "bin" / "h2spec"
needs_h2spec = pytest.mark.skipif(
    not H2SPEC.exists() and not os.environ.get("CI"), reason="h2spec is not built: script/tools h2spec"
)
POLICY = """
[[rule]]
name = "nobody"
phase = "admit"
when = 'request.path.startsWith("/.well-known/") || request.path == "/shut"'
respond = { status = 403 }
"""
TOKEN = "token.thumbprint"


class Ingress:
    """An ingress with TLS, and all that a renewal needs."""

    def __init__(self, folder: Path) -> None:
        self.certificates = folder / "certificates"
        self.port = free_port()
        self.acme = free_port()
        self.target: IngressTarget | None = None
        make_self_signed(self.certificates, SystemClock(), address="127.0.0.1")

    def complete(self, target: IngressTarget) -> IngressTarget:
        """Return the target with TLS."""
        listener = IngressListener(address=f"127.0.0.1:{self.port}", certificate=str(self.certificates))
        self.target = replace(
            target,
            listeners=(*target.listeners, listener),
            certificates=digest_certificates(self.certificates),
            acme=f"127.0.0.1:{self.acme}",
        )
        return self.target

    def renew(self, edge: Edge) -> None:
        """Put another certificate in place and serve it, as the agent does."""
        assert self.target
        (self.certificates / "self-signed.pem").write_bytes(
            print_self_signed(SystemClock(), address="127.0.0.1")
        )
        now = replace(
            self.target,
            digest=f"sha256:{digest_certificates(self.certificates)}",
            certificates=digest_certificates(self.certificates),
        )
        edge.ingress.reload.serve(print_haproxy(compile_ingress(edge.policy, now)), now.digest)

    def certificate(self) -> bytes:
        """Return the certificate that a visitor is shown."""
        with socket.create_connection(("127.0.0.1", self.port), timeout=5) as plain, wrap(plain) as secure:
            return secure.getpeercert(binary_form=True) or b""


@pytest.fixture(scope="module")
def ingress(tmp_path_factory: pytest.TempPathFactory) -> Ingress:
    """Return the ingress of this file before it runs."""
    return Ingress(tmp_path_factory.mktemp("tls"))


@pytest.fixture(scope="module")
def edge(ingress: Ingress) -> Iterator[Edge]:
    """Run one edge with TLS for all tests of this file; its origin answers whatever comes."""
    recorder = Recorder()
    with run_edge(read_text(POLICY), (), "", serve_gateway=recorder.serve, more=ingress.complete) as edge:
        yield edge


def wrap(plain: socket.socket, *protocols: str) -> ssl.SSLSocket:
    """Speak TLS to whoever it is."""
    context = trusting()
    if protocols:
        context.set_alpn_protocols(list(protocols))
    return context.wrap_socket(plain, server_hostname="localhost")


def trusting() -> ssl.SSLContext:
    """Return a context that trusts everybody."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context


def ask(ingress: Ingress, path: str = "/") -> int:
    """Return the status of one request on a connection of its own."""
    connection = HTTPSConnection("127.0.0.1", ingress.port, timeout=10, context=trusting())
    try:
        connection.request("GET", path)
        answer = connection.getresponse()
        answer.read()
        return answer.status
    finally:
        connection.close()


@needs_h2spec
def test_h2spec(edge: Edge, ingress: Ingress) -> None:
    """The ingress passes every case of h2spec."""
    del edge
    argv = (str(H2SPEC), "-t", "-k", "-p", str(ingress.port), "-o", "3")
    told = subprocess.run(argv, capture_output=True, check=False, text=True, timeout=60)
    assert told.returncode == 0, told.stdout[-3000:]
    assert "145 tests, 145 passed, 0 skipped, 0 failed" in told.stdout


def test_protocols(edge: Edge, ingress: Ingress) -> None:
    """Visitors choose HTTP/2 or HTTP/1.1, over TLS 1.2 or later."""
    del edge
    for protocol in ("h2", "http/1.1"):
        with (
            socket.create_connection(("127.0.0.1", ingress.port), timeout=5) as plain,
            wrap(plain, protocol) as its,
        ):
            assert its.selected_alpn_protocol() == protocol
            assert its.version() in {"TLSv1.2", "TLSv1.3"}


def test_policy_holds_over_tls(edge: Edge, ingress: Ingress) -> None:
    """A rule of the policy is the same whichever way a visitor comes."""
    assert [ask(ingress), ask(ingress, "/shut"), edge.ask("/shut").status] == [200, 403, 403]


def test_renewal_under_load(edge: Edge, ingress: Ingress) -> None:
    """A renewed certificate is shown to new visitors, and no visitor notices anything else."""
    before, failed, is_over = ingress.certificate(), list[str](), threading.Event()

    def visit() -> None:
        while not is_over.is_set():
            try:
                status = ask(ingress)
            except OSError as error:
                failed.append(repr(error))
            else:
                failed.extend([] if status == 200 else [str(status)])

    visitors = [threading.Thread(target=visit) for _ in range(4)]
    for visitor in visitors:
        visitor.start()
    for _ in range(3):
        ingress.renew(edge)
    is_over.set()
    for visitor in visitors:
        visitor.join()
    assert failed == []
    assert ingress.certificate() != before


def test_broken_certificate_is_refused(edge: Edge, ingress: Ingress) -> None:
    """A file that is no certificate leaves the old one in force."""
    before = ingress.certificate()
    broken = ingress.certificates / "broken.pem"
    broken.write_text("no certificate")
    try:
        with pytest.raises(RefusedError, match="does not accept"):
            ingress.renew(edge)
    finally:
        broken.unlink()
    assert ingress.certificate() == before


def test_acme_challenge(edge: Edge, ingress: Ingress) -> None:
    """A challenge reaches the ACME client while it runs, past all rules, and nobody else; without one it is 503."""
    path = f"/.well-known/acme-challenge/{TOKEN}"
    with answer_challenges(ingress.acme):
        told = edge.ask(path)
    assert (told.status, told.body) == (200, TOKEN)
    assert edge.ask(path).status == 503
    assert edge.ask("/.well-known/other").status == 403


@contextmanager
def answer_challenges(port: int) -> Iterator[None]:
    """Answer as an ACME client in its standalone mode."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.end_headers()
            self.wfile.write(self.path.rpartition("/")[2].encode())

        def log_message(self, *_: object) -> None:
            pass

    with ThreadingHTTPServer(("127.0.0.1", port), Handler) as server:
        thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
        thread.start()
        yield
        server.shutdown()
        thread.join()
