"""The example services, assembled as their recipes say, on a real ledger."""

import json
import os
import signal
import socket
import subprocess
import uuid
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack, closing
from pathlib import Path

import pytest
import urllib3

from tests.live.example_instance import Instance, Ledger, run_instance, run_ledger

pytestmark = pytest.mark.live

DONATIONS = "/api/hamm/donations"
DONATION = {"amount_cents": 2700, "name": "Ada Example", "email": "ada@example.org", "city": "Easton"}
SIGNUPS = "/api/events/events/marshal-training/signups"
SIGNUP = {"name": "Ada Example", "email": "ada@example.org"}

Launch = Callable[..., Instance]


@pytest.fixture
def ledger(tmp_path: Path) -> Iterator[Ledger]:
    with run_ledger(tmp_path / "ledger") as running:
        yield running


@pytest.fixture
def launch(tmp_path: Path, ledger: Ledger) -> Iterator[Launch]:
    """Return a function that starts an instance of a service and waits until it is healthy."""
    secrets = tmp_path / "secrets"
    secrets.mkdir()
    (secrets / "ledger").write_text(ledger.url + "\n", encoding="utf-8")

    with ExitStack() as running:

        def launch_one(service: str, **environment: str) -> Instance:
            tree = tmp_path / f"app-{uuid.uuid4().hex[:6]}"
            environment |= {"HANDSHAKE_SECRETS": str(secrets)}
            return running.enter_context(run_instance(service, tree, environment))

        yield launch_one


def new_key() -> str:
    return uuid.uuid4().hex


def test_same_key_twice(launch: Launch, ledger: Ledger) -> None:
    """A donation sent twice under one key is stored once and answered alike."""
    hamm, key = launch("hamm"), new_key()
    first, second = (hamm.post(DONATIONS, DONATION, key) for _ in range(2))
    assert (first.status, second.status) == (201, 201)
    assert first.json() == second.json()
    assert first.json().keys() == {"donation_id", "amount_cents", "received_at"}
    assert "Idempotency-Replayed" not in first.headers
    assert second.headers["Idempotency-Replayed"] == "true"
    [entry] = ledger.entries("donations")
    assert (entry["id"], entry["key"], entry["amount_cents"]) == (first.json()["donation_id"], key, "2700")


def test_same_meaning_other_spelling(launch: Launch, ledger: Ledger) -> None:
    """Order and blanks of a body's JSON do not make it another donation."""
    hamm, key = launch("hamm"), new_key()
    hamm.post(DONATIONS, DONATION, key)
    shuffled = json.dumps(dict(reversed(DONATION.items())), indent=4).encode()
    answer = hamm.pool.request("POST", DONATIONS, body=shuffled, headers={"Idempotency-Key": key})
    assert answer.headers["Idempotency-Replayed"] == "true"
    assert len(ledger.entries("donations")) == 1


def test_same_key_other_body(launch: Launch, ledger: Ledger) -> None:
    """A key that was used with another body is refused, and nothing is stored."""
    hamm, key = launch("hamm"), new_key()
    hamm.post(DONATIONS, DONATION, key)
    answer = hamm.post(DONATIONS, DONATION | {"amount_cents": 2800}, key)
    assert answer.status == 409
    assert answer.json()["type"] == "urn:campaign:problem:idempotency-key-reused"
    assert len(ledger.entries("donations")) == 1


def test_fifty_at_once(launch: Launch, ledger: Ledger) -> None:
    """Of fifty concurrent requests with one key on two instances, one stores and all get its answer."""
    instances, key = [launch("hamm"), launch("hamm")], new_key()
    with ThreadPoolExecutor(50) as visitors:
        answers = list(visitors.map(lambda n: instances[n % 2].post(DONATIONS, DONATION, key), range(50)))
    assert {answer.status for answer in answers} == {201}
    assert len({answer.json()["donation_id"] for answer in answers}) == 1
    assert sum("Idempotency-Replayed" not in answer.headers for answer in answers) == 1
    assert len(ledger.entries("donations")) == 1


def test_questions(launch: Launch) -> None:
    """A donation is found by its id, names nobody, and is counted in the summary."""
    hamm = launch("hamm")
    receipts = [
        hamm.post(DONATIONS, DONATION | {"amount_cents": n}, new_key()).json() for n in (100, 330_000)
    ]
    assert hamm.get(f"{DONATIONS}/{receipts[0]['donation_id']}").json() == receipts[0]
    assert hamm.get("/api/hamm/summary").json() == {"count": 2, "total_cents": 330_100}
    assert hamm.get(f"{DONATIONS}/don_unknown").status == 404


@pytest.mark.parametrize("key", ["", "short77", "x" * 129, "with blank", "dots.are.out"])
def test_bad_key(launch: Launch, key: str) -> None:
    """A donation without a well-formed idempotency key is refused."""
    answer = launch("hamm").post(DONATIONS, DONATION, key)
    assert answer.status == 400
    assert answer.json()["type"] == "urn:campaign:problem:bad-idempotency-key"


def test_bad_body(launch: Launch, ledger: Ledger) -> None:
    """All problems of a body are named at once, and nothing is stored."""
    body = {"amount_cents": 99, "email": "nobody", "city": "4111 1111 1111 1111", "card_number": "4111"}
    answer = launch("hamm").post(DONATIONS, body, new_key())
    assert answer.status == 400
    assert answer.headers["Content-Type"] == "application/problem+json"
    problem = answer.json()
    assert problem.keys() == {"type", "title", "status", "detail", "problems"}
    assert [fault["field"] for fault in problem["problems"]] == [
        "amount_cents",
        "name",
        "email",
        "city",
        "card_number",
    ]
    assert ledger.entries("donations") == []


@pytest.mark.parametrize(
    ("body", "status"),
    [
        (b"", 400),
        (b"{", 400),
        (b"[]", 400),
        (b"\xff", 400),
        (b"[" * 10_000, 400),
        (b'{"name": "\\ud800"}', 400),
        (b" " * 20_000, 413),
    ],
)
def test_no_json_object(launch: Launch, body: bytes, status: int) -> None:
    """A body that is no small JSON object is refused with a JSON problem."""
    hamm = launch("hamm")
    answer = hamm.pool.request("POST", DONATIONS, body=body, headers={"Idempotency-Key": new_key()})
    assert (answer.status, answer.json()["status"]) == (status, status)


def test_unknown_path(launch: Launch) -> None:
    """What the router refuses is a JSON problem too."""
    hamm = launch("hamm")
    assert hamm.get("/api/hamm/nothing").json()["status"] == 404
    wrong_method = hamm.get(DONATIONS)
    assert wrong_method.json()["status"] == 405
    assert wrong_method.headers["Allow"] == "POST"


def test_ledger_down(launch: Launch, ledger: Ledger) -> None:
    """While the ledger is down the answer is 503; after it is back, the same key stores once."""
    hamm, key = launch("hamm"), new_key()
    assert hamm.post(DONATIONS, DONATION, new_key()).status == 201
    ledger.stop()
    answer = hamm.post(DONATIONS, DONATION, key)
    assert (answer.status, answer.headers["Retry-After"]) == (503, "1")
    cached = urllib3.Retry(total=40, backoff_factor=0.05, backoff_max=0.05, status_forcelist=[200])
    health = hamm.pool.request("GET", "/health", retries=cached)
    assert health.json()["reason"] == "the ledger does not answer: ConnectionError"
    ledger.start()
    assert hamm.post(DONATIONS, DONATION, key).status == 201
    assert len(ledger.entries("donations")) == 2


def test_ledger_silent(launch: Launch, ledger: Ledger) -> None:
    """A ledger that accepts and never answers makes the instance say so instead of hanging."""
    hamm = launch("hamm")
    os.kill(ledger.process.pid, signal.SIGSTOP)
    try:
        assert hamm.post(DONATIONS, DONATION, new_key()).status == 503
        health = hamm.get("/health")
        assert health.status == 503
        assert "the ledger did not answer" in health.json()["reason"]
    finally:
        os.kill(ledger.process.pid, signal.SIGCONT)


def test_drain(launch: Launch, ledger: Ledger) -> None:
    """A request in flight at SIGTERM is finished, and the process exits with 0."""
    hamm = launch("hamm")
    body = json.dumps(DONATION).encode()
    head = f"POST {DONATIONS} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n"
    with closing(socket.create_connection(("127.0.0.1", hamm.pool.port or 0), 10)) as visitor:
        visitor.sendall(f"{head}Idempotency-Key: {new_key()}\r\nExpect: 100-continue\r\n\r\n".encode())
        # The interim answer proves that the service has begun with this request.
        assert visitor.recv(100).startswith(b"HTTP/1.1 100 ")
        hamm.process.terminate()
        with pytest.raises(subprocess.TimeoutExpired):
            hamm.process.wait(0.5)
        visitor.sendall(body)
        assert visitor.recv(100).startswith(b"HTTP/1.1 201 ")
    assert hamm.process.wait(5) == 0
    assert len(ledger.entries("donations")) == 1


def test_death_between_write_and_answer(launch: Launch, ledger: Ledger, tmp_path: Path) -> None:
    """A visitor whose instance died after the write gets the same donation from the next instance."""
    trigger, key = tmp_path / "die", new_key()
    first = launch("hamm", HAMM_FAULT_KILL_AFTER_WRITE=str(trigger))
    second = launch("hamm", HAMM_FAULT_KILL_AFTER_WRITE=str(trigger))
    trigger.touch()
    with pytest.raises(urllib3.exceptions.ProtocolError):
        first.post(DONATIONS, DONATION, key)
    assert first.process.wait(5) == -signal.SIGKILL
    assert not trigger.exists()
    retried = second.post(DONATIONS, DONATION, key)
    [entry] = ledger.entries("donations")
    assert retried.json()["donation_id"] == entry["id"]
    assert retried.headers["Idempotency-Replayed"] == "true"


def test_crash_of_the_ledger(launch: Launch, ledger: Ledger) -> None:
    """A donation that was answered survives kill -9 of the ledger, and so does its key."""
    hamm, key = launch("hamm"), new_key()
    first = hamm.post(DONATIONS, DONATION, key).json()
    ledger.process.kill()
    ledger.process.wait()
    ledger.start()
    assert hamm.post(DONATIONS, DONATION, key).json() == first
    assert len(ledger.entries("donations")) == 1


def test_log_lines(launch: Launch) -> None:
    """Each request leaves one JSON line that carries its id, and no line names the visitor."""
    hamm = launch("hamm")
    headers = {"Idempotency-Key": new_key(), "X-Request-Id": "r-17", "X-HS-Client": "203.0.113.9"}
    hamm.pool.request("POST", DONATIONS, json=DONATION, headers=headers)
    hamm.process.terminate()
    hamm.process.wait(5)
    text = hamm.log.read_text(encoding="utf-8")
    [line] = [line for line in map(json.loads, text.splitlines()) if line["logger"] == "request"]
    assert (line["path"], line["status"], line["request_id"]) == (DONATIONS, 201, "r-17")
    assert line["client"] == "203.0.113.9"
    assert "ada@example.org" not in text


def test_events_are_cacheable(launch: Launch) -> None:
    """A list of events may be kept for five seconds, and is not sent again while it is the same."""
    events = launch("events")
    first = events.get("/api/events/events")
    assert first.headers["Cache-Control"] == "public, max-age=5"
    assert len(first.json()["events"]) == 8
    again = events.get("/api/events/events", **{"If-None-Match": f'W/{first.headers["ETag"]}, "x"'})
    assert (again.status, again.data) == (304, b"")
    events.post(SIGNUPS, SIGNUP, new_key())
    changed = events.get("/api/events/events", **{"If-None-Match": first.headers["ETag"]})
    assert changed.status == 200


def test_capacity_is_kept(launch: Launch, ledger: Ledger) -> None:
    """Of many who sign up at once, as many get a seat as there are, and a replay takes none."""
    events = launch("events")
    keys = [new_key() for _ in range(70)]
    with ThreadPoolExecutor(20) as visitors:
        statuses = list(visitors.map(lambda key: events.post(SIGNUPS, SIGNUP, key).status, keys * 2))
    assert (statuses.count(201), statuses.count(409)) == (120, 20)
    assert len(ledger.entries("events:signups")) == 60
    assert events.get("/api/events/events/marshal-training").json()["seats_left"] == 0


def test_unknown_event(launch: Launch) -> None:
    """An event that does not exist can be neither seen nor signed up for."""
    events = launch("events")
    assert events.get("/api/events/events/nothing").status == 404
    assert events.post("/api/events/events/nothing/signups", SIGNUP, new_key()).status == 404
