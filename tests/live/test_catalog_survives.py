"""The embedded catalogue through `kill -9` and SIGTERM: nothing that was acknowledged is lost."""

import json
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

pytestmark = pytest.mark.live

CREDENTIAL = "secret"


class CatalogueProcess:
    """One catalogue over one directory, which can die and come back on the same address."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        with socket.create_server(("127.0.0.1", 0)) as probe:
            self.port: int = probe.getsockname()[1]
        (folder / "credentials").write_text(json.dumps({"write": CREDENTIAL, "read": "other"}))
        (folder / "credentials").chmod(0o600)
        self.start()

    def start(self) -> None:
        """Start, and wait for the first answer."""
        command = [
            sys.executable,
            "-m",
            "handshake.drivers.embedded_catalog",
            "--listen",
            f"127.0.0.1:{self.port}",
        ]
        command += ["--data", str(self._folder / "data"), "--credentials", str(self._folder / "credentials")]
        self._process = subprocess.Popen([*command, "--node", "n1"])
        deadline = time.monotonic() + 15
        while time.monotonic() < deadline and self._process.poll() is None:
            try:
                self.send("GET", "/v1/status/leader")
            except requests.ConnectionError:
                time.sleep(0.05)
            else:
                return
        raise AssertionError("the catalogue did not start")

    def stop(self, sign: signal.Signals) -> int:
        """End the process and return its exit code."""
        self._process.send_signal(sign)
        return self._process.wait(timeout=10)

    def send(self, method: str, path: str, body: str = "") -> requests.Response:
        """Send one request with the credential."""
        url = f"http://127.0.0.1:{self.port}{path}"
        return requests.request(method, url, data=body, headers={"X-Consul-Token": CREDENTIAL}, timeout=15)


@pytest.fixture
def catalogue(tmp_path: Path) -> Iterator[CatalogueProcess]:
    """A running catalogue."""
    catalogue = CatalogueProcess(tmp_path)
    yield catalogue
    catalogue.stop(signal.SIGTERM)


def write_until_it_dies(catalogue: CatalogueProcess, writer: int, acknowledged: dict[str, str]) -> None:
    """Write one key after the other, sometimes deleting one, and note what was acknowledged."""
    for number in range(100_000):
        key = f"stream/{writer}/{number % 50}"
        try:
            answer = catalogue.send("PUT", f"/v1/kv/{key}", str(number))
        except requests.RequestException:
            acknowledged[f"{key} perhaps"] = str(number)
            return
        assert answer.json() is True
        acknowledged[key] = str(number)


def test_nothing_acknowledged_is_lost(catalogue: CatalogueProcess) -> None:
    """Killed in the middle of four streams of writes, three times: every acknowledged write is there afterwards."""
    for _ in range(3):
        acknowledged: dict[str, str] = {}
        writers = [
            threading.Thread(target=write_until_it_dies, args=(catalogue, n, acknowledged)) for n in range(4)
        ]
        for writer in writers:
            writer.start()
        time.sleep(0.7)
        assert catalogue.stop(signal.SIGKILL) == -signal.SIGKILL
        for writer in writers:
            writer.join()
        catalogue.start()
        kept = {key: value for key, value in acknowledged.items() if not key.endswith("perhaps")}
        assert len(kept) > 20
        for key, value in kept.items():
            found = catalogue.send("GET", f"/v1/kv/{key}?raw").text
            assert found in {value, acknowledged.get(f"{key} perhaps", value)}


def index_of(catalogue: CatalogueProcess, path: str) -> int:
    return int(catalogue.send("GET", path).headers["X-Consul-Index"])


def test_indexes_never_go_back(catalogue: CatalogueProcess) -> None:
    """After a kill, every index is what it was, also that of a deleted key, and the next change is later than all."""
    for number in range(5):
        catalogue.send("PUT", f"/v1/kv/t/{number}", "x")
    catalogue.send("PUT", "/v1/agent/service/register", '{"Name": "web"}')
    catalogue.send("PUT", "/v1/agent/service/deregister/web")
    catalogue.send("DELETE", "/v1/kv/t/4")
    paths = ["/v1/kv/t/0", "/v1/kv/t/4", "/v1/kv/t/?recurse", "/v1/kv/?recurse", "/v1/health/service/web"]
    before = [index_of(catalogue, path) for path in paths]
    catalogue.stop(signal.SIGKILL)
    catalogue.start()
    assert [index_of(catalogue, path) for path in paths] == before
    catalogue.send("PUT", "/v1/kv/t/new", "x")
    assert index_of(catalogue, "/v1/kv/t/new") > max(before)


def test_sessions_locks_and_services_survive(catalogue: CatalogueProcess) -> None:
    """A kill ends no session, frees no lock, and forgets neither a service nor what its check said last."""
    session = catalogue.send("PUT", "/v1/session/create", '{"TTL": "60s"}').json()["ID"]
    catalogue.send("PUT", f"/v1/kv/leader?acquire={session}", "me")
    catalogue.send("PUT", "/v1/agent/service/register", '{"Name": "web", "Check": {"TTL": "60s"}}')
    catalogue.send("PUT", "/v1/agent/check/pass/service:web?note=well")
    catalogue.stop(signal.SIGKILL)
    catalogue.start()
    assert catalogue.send("GET", "/v1/kv/leader").json()[0]["Session"] == session
    assert catalogue.send("PUT", f"/v1/session/renew/{session}").status_code == 200
    (entry,) = catalogue.send("GET", "/v1/health/service/web?passing").json()
    assert entry["Checks"][1]["Output"] == "well"


def test_silence_wakes_who_watches_health(catalogue: CatalogueProcess) -> None:
    """A check whose owner falls silent turns critical by the clock alone, and a watch of its service wakes."""
    check = {"TTL": "1s", "Status": "passing"}
    catalogue.send("PUT", "/v1/agent/service/register", json.dumps({"Name": "web", "Check": check}))
    index = index_of(catalogue, "/v1/health/service/web")
    (entry,) = catalogue.send("GET", f"/v1/health/service/web?index={index}&wait=10s").json()
    assert entry["Checks"][1]["Status"] == "critical"
    assert "TTL expired" in entry["Checks"][1]["Output"]


def test_a_stop_is_clean(catalogue: CatalogueProcess) -> None:
    """On SIGTERM, who waits in a blocking query is answered, and the process ends with 0 in seconds."""
    catalogue.send("PUT", "/v1/kv/a", "1")
    index = index_of(catalogue, "/v1/kv/a")
    answers: list[requests.Response] = []
    path = f"/v1/kv/a?index={index}&wait=60s"
    watch = threading.Thread(target=lambda: answers.append(catalogue.send("GET", path)))
    watch.start()
    time.sleep(0.3)
    start = time.monotonic()
    assert catalogue.stop(signal.SIGTERM) == 0
    watch.join()
    assert time.monotonic() - start < 5
    assert [answer.status_code for answer in answers] == [200]
    catalogue.start()


def test_a_start_that_cannot_succeed_says_why(catalogue: CatalogueProcess, tmp_path: Path) -> None:
    """A port in use and a directory in use each end the start with a sentence and a hint, and 1."""
    with socket.create_server(("127.0.0.1", 0)) as taken:
        taken_port = taken.getsockname()[1]
        with socket.create_server(("127.0.0.1", 0)) as probe:
            free_port = probe.getsockname()[1]
        for port, words in [(taken_port, "cannot listen"), (free_port, "in use by another catalogue")]:
            command = [
                sys.executable,
                "-m",
                "handshake.drivers.embedded_catalog",
                "--listen",
                f"127.0.0.1:{port}",
            ]
            command += ["--data", str(tmp_path / "data"), "--credentials", str(tmp_path / "credentials")]
            run = subprocess.run(
                [*command, "--node", "n2"], capture_output=True, text=True, timeout=20, check=False
            )
            assert run.returncode == 1
            assert words in run.stderr
            assert "hint:" in run.stderr
    assert catalogue.send("GET", "/v1/status/leader").status_code == 200
