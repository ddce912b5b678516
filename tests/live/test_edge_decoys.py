"""Decoys beside the service that they pretend to be: the example's donations, behind the same edge."""

from __future__ import annotations

import json
import re
import socket
import socketserver
import statistics
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest

from handshake.campaign.live_policy import LivePolicy
from handshake.campaign.policy import Policy
from handshake.campaign.settings import CampaignSettings
from handshake.core.clock import SystemClock
from handshake.core.digest import digest_bytes
from handshake.core.subject import Kind, Subject
from handshake.edge.ingress.access_log import AccessLog, AccessLogAnalyzer
from handshake.edge.ingress.compile.maps import FOREVER
from handshake.edge.simulate.log_analysis import Deceived
from handshake.gateway.policy import GatewayPolicy
from handshake.gateway.reader import Gateway
from handshake.pointers.pointer import Pointer
from tests.live.edges import Edge, UnixServer, run_edge
from tests.live.example_instance import run_instance, run_ledger
from tests.live.haproxies import wait_until
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

CAMPAIGN = Path(__file__).parents[2] / "examples" / "campaign" / "edge.toml"
TESTER, DONOR, ONCE_HONEST = "127.0.0.5", "127.0.0.6", "127.0.0.8"
SLOW = """
[[rule]]
name = "slow"
phase = "admit"
when = "true"
[rule.decoy]
latency_ms = [80, 160]
answers = [{ status = 201, body = "{}" }, { status = 402, body = "{}" }]
"""
DONATION = {"amount_cents": 500, "name": "A", "email": "a@example.org"}


@dataclass(frozen=True, kw_only=True)
class Told:
    """An answer as it came over the wire."""

    status: int
    headers: list[tuple[str, str]]
    body: str
    seconds: float


@contextmanager
def relay(port: int, path: Path) -> Iterator[None]:
    """Hand what comes to a Unix socket on to a port of loopback."""

    class Handler(socketserver.BaseRequestHandler):
        def handle(self) -> None:
            with socket.create_connection(("127.0.0.1", port)) as there:
                back = threading.Thread(target=_pump, args=(there, self.request))
                back.start()
                _pump(self.request, there)
                back.join()

    server = UnixServer(str(path), Handler)
    path.chmod(0o777)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05})
    thread.start()
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def _pump(one: socket.socket, other: socket.socket) -> None:
    try:
        while data := one.recv(65536):
            other.sendall(data)
        other.shutdown(socket.SHUT_WR)
    except OSError:
        pass


@pytest.fixture(scope="module")
def edge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Edge]:
    """Run the campaign's edge in front of the real service, with one card tester listed."""
    folder = tmp_path_factory.mktemp("decoys")
    with run_ledger(folder / "ledger") as ledger:
        (folder / "secrets").mkdir()
        (folder / "secrets" / "ledger").write_text(ledger.url, encoding="utf-8")
        environment = {"HANDSHAKE_SECRETS": str(folder / "secrets")}
        with run_instance("hamm", folder / "hamm", environment) as hamm:
            port = hamm.pool.port
            assert port
            with run_edge(
                read_text(CAMPAIGN.read_text()), (), "", serve_gateway=partial(relay, port)
            ) as edge:
                edge.maps.put(edge.map_name("card_testers"), TESTER, str(FOREVER))
                yield edge


def donate(edge: Edge, source: str, key: str, cents: int = 500) -> Told:
    """Give something, under an idempotency key."""
    body = json.dumps({**DONATION, "amount_cents": cents})
    head = (
        "POST /api/hamm/donations HTTP/1.1\r\nHost: example.org\r\nContent-Type: application/json\r\n"
        f"Idempotency-Key: {key}\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
    )
    before = time.perf_counter()
    raw = edge.send_raw((head + body).encode(), source=source)
    seconds = time.perf_counter() - before
    lines, _, text = raw.decode().partition("\r\n\r\n")
    first, *rest = lines.split("\r\n")
    headers = [(name.lower(), value) for name, _, value in (line.partition(": ") for line in rest)]
    return Told(status=int(first.split()[1]), headers=headers, body=text, seconds=seconds)


def shape(text: str) -> str:
    """Return what a text looks like: digits and letters, wherever they vary, as one sign each."""
    return re.sub(r"[0-9a-f](?=[0-9a-f-]*[0-9])|[0-9]", "#", text)


def deceive(edge: Edge, status: int) -> Told:
    """Donate as a card tester until the decoy gives this status."""
    tried = (donate(edge, TESTER, f"test-{number:012}", 500 + number) for number in range(60))
    return next(told for told in tried if told.status == status)


def test_decoy_looks_like_the_service(edge: Edge) -> None:
    """Headers, their names, order and shapes, the body's fields and its size are the service's own."""
    real, decoy = donate(edge, DONOR, "real-000000000001"), deceive(edge, 201)
    assert real.status == 201
    assert [name for name, _ in decoy.headers] == [name for name, _ in real.headers]
    assert [re.sub(r"[0-9a-f]", "#", value) for _, value in decoy.headers] == [
        re.sub(r"[0-9a-f]", "#", value) for _, value in real.headers
    ]
    assert len(decoy.body) == len(real.body)
    mine, theirs = json.loads(decoy.body), json.loads(real.body)
    assert list(mine) == list(theirs)
    assert re.fullmatch(r"don_[0-9a-f]{32}", mine["donation_id"])
    for receipt in (mine, theirs):
        assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+00:00", receipt["received_at"])


def test_decoy_repeats_what_was_sent(edge: Edge) -> None:
    """The receipt is for the amount that was sent."""
    told = [donate(edge, TESTER, f"amount-{cents:012}", cents) for cents in range(100, 140)]
    assert {json.loads(one.body)["amount_cents"] for one in told if one.status == 201} <= set(range(100, 140))
    receipts = [json.loads(one.body) for one in told if one.status == 201]
    assert len({receipt["donation_id"] for receipt in receipts}) == len(receipts) > 5


def test_decoy_is_stable_under_replay(edge: Edge) -> None:
    """The same request gets the same answer to the byte, a while later too."""
    first = [donate(edge, TESTER, "replay-000000001", 700 + number) for number in range(6)]
    time.sleep(1.1)
    again = [donate(edge, TESTER, "replay-000000001", 700 + number) for number in range(6)]
    assert [(one.status, one.body) for one in again] == [(one.status, one.body) for one in first]


def test_decoy_takes_as_long_as_the_service(edge: Edge) -> None:
    """Asked in turn, decoy and service take equally long, within what one network differs from the next."""
    pairs = [
        (donate(edge, DONOR, f"slow-{number:012}"), donate(edge, TESTER, f"slow-{number:012}", 900 + number))
        for number in range(60)
    ]
    real, decoy = (statistics.median(pair[which].seconds for pair in pairs) for which in (0, 1))
    assert abs(real - decoy) < max(0.005, real)


def test_decoy_takes_its_time() -> None:
    """A decoy of a slower service takes one of the times that its rule names."""
    with run_edge(read_text(SLOW), (), "") as edge:
        seconds = sorted(donate(edge, TESTER, f"slow-{number:012}").seconds for number in range(24))
    assert 0.08 <= seconds[0] < 0.16 <= seconds[-1]


def test_decoy_reaches_no_service(edge: Edge) -> None:
    """What a card tester sends is stored nowhere, whatever they are told."""
    before = edge.ask("/api/hamm/summary", source=DONOR).body
    for number in range(5):
        donate(edge, TESTER, f"never-{number:012}")
    assert edge.ask("/api/hamm/summary", source=DONOR).body == before


def test_deceived_donor_is_named_and_made_whole(edge: Edge) -> None:
    """Who had really given raises the alarm when decoys go there; the log says what was pretended, and it can be made true."""
    witness = watch(edge)
    assert donate(edge, ONCE_HONEST, "honest-000000001").status == 201
    raised = edge.ask("/api/hamm/summary", source=DONOR).body
    donate(edge, TESTER, "never-gave-000000001")
    wait_until(lambda: witness.decoys(60).decoys > 0)
    assert witness.alarm() == ""

    edge.maps.put(edge.map_name("card_testers"), ONCE_HONEST, str(FOREVER))
    pretended = {cents: donate(edge, ONCE_HONEST, f"fooled-{cents:012}", cents) for cents in range(500, 520)}
    wait_until(lambda: find_deceived(witness).decoys == len(pretended))
    deceived = find_deceived(witness)
    assert deceived.receipts == sum(told.status == 201 for told in pretended.values()) > 0
    assert [each.client for each in witness.decoys(60).suspects] == [ONCE_HONEST]
    assert witness.alarm().startswith("decoys were sent to clients who had donated before: 127.0.0.8;")
    assert edge.ask("/api/hamm/summary", source=DONOR).body == raised

    edge.maps.remove(edge.map_name("card_testers"), ONCE_HONEST)
    cents, false = next((cents, told) for cents, told in pretended.items() if told.status == 201)
    true = donate(edge, ONCE_HONEST, f"fooled-{cents:012}", cents)
    assert true.status == 201
    assert json.loads(true.body)["donation_id"] != json.loads(false.body)["donation_id"]
    assert edge.ask("/api/hamm/summary", source=DONOR).body != raised


def watch(edge: Edge) -> AccessLogAnalyzer:
    """Return who reads the ingress's log."""
    campaign = CampaignSettings.model_validate(
        {"name": "system", "regions": {"east": {"listen": "127.0.0.1:8101"}}}
    )
    gateway = Gateway(policy=GatewayPolicy(), description="{}")
    policy = Policy(campaign=campaign, edge=edge.policy, gateway=gateway)
    pointer = Pointer(
        subject=Subject(kind=Kind.POLICY, name="system"),
        release=digest_bytes(b""),
        revision=1,
        stable=None,
        moved_by="ann",
        reason="test",
        moved_at=0.0,
    )
    live = LivePolicy(policy=policy, pointer=pointer)
    return AccessLogAnalyzer(log=AccessLog(edge.ingress.log), clock=SystemClock(), policy=live.policy.edge)


def find_deceived(witness: AccessLogAnalyzer) -> Deceived:
    """Return what is known of the donor who was deceived."""
    (deceived,) = (each for each in witness.decoys(60).clients if each.client == ONCE_HONEST)
    return deceived
