"""Whatever is killed: what serves goes on, what was acknowledged is there, and what starts again adopts what runs."""

from __future__ import annotations

import json
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import urllib3

from tests.system.campaign_up import CampaignUnderTest
from tests.system.catalog_gate import gate_before
from tests.system.leaders import TAKE_OVER_SECONDS, another_control, has_arrived, leader, names
from tests.system.processes import (
    Process,
    kill_for_good,
    processes_of,
    still_running,
    supervised,
    wait_until,
)
from tests.system.test_operating import FORCE, change, fleet, publish
from tests.system.visitors import donate, visiting

pytestmark = pytest.mark.live

ROUTERS = ("ingress", "cache", "gateway")
STORES = ("store-content", "store-ledger")


def test_visitors_notice_nothing_without_control_and_agent(system: CampaignUnderTest) -> None:
    """Control and agent, killed with their supervisors, cost no request; `up` adopts what runs."""
    before = serving(system)
    with visiting(system) as visits:
        for name in ("control", "agent"):
            kill_for_good(system.run / "programs" / name)
        wait_until(lambda: visits.answered > 200)
        assert serving(system) == before

        report = system.verb("up", str(system.campaign))
        wait_until(lambda: is_settled(system))

    assert report["started"] == ["agent", "control"]
    assert serving(system) == before
    assert visits.failed == []


def test_a_killed_agent_comes_back_by_itself(system: CampaignUnderTest) -> None:
    """The supervisors of control and agent start them again, and the new ones replace nothing."""
    before = serving(system)
    programs = {name: system.run / "programs" / name for name in ("control", "agent")}
    killed = {name: supervised(folder)[1] for name, folder in programs.items()}
    with visiting(system) as visits:
        for process in killed.values():
            process.kill()
        wait_until(lambda: all(supervised(programs[name])[1] != killed[name] for name in programs))
        assert system.verb("ban", "198.51.100.1", "--for", "1m", "--reason", "test")["is_enforced"]
        wait_until(lambda: is_settled(system))

    assert serving(system) == before
    assert visits.failed == []


def test_bans_and_switches_need_no_control(system: CampaignUnderTest, without_control: None) -> None:
    """With the control plane dead, every ingress enforces a ban and a switch, and their undo; caches purge."""
    del without_control
    ban = ("ban", "203.0.113.0/24", "--for", "5m", "--reason", "test")

    assert system.verb(*ban)["is_enforced"]
    assert system.verb("edge", "switch", "set", "non_us_ban", "on", "--reason", "test")["is_enforced"]
    assert system.verb("edge", "switch", "undo", "non_us_ban")["is_enforced"]
    assert system.verb("unban", "203.0.113.0/24")["is_enforced"]
    assert system.verb("edge", "purge", "news", "--url", "https://example.org/")["is_enforced"]


def test_serving_needs_no_catalogue(system: CampaignUnderTest) -> None:
    """A killed catalogue costs no request; once it is back, all that it acknowledged is there."""
    system.verb("edge", "switch", "set", "non_us_ban", "on", "--for", "5m", "--reason", "kept")
    before, pointers = serving(system), read_pointers(system)
    with visiting(system) as visits:
        kill_for_good(system.run / "programs" / "catalog")
        wait_until(lambda: visits.answered > 200)
        assert system.verb("status", check=False)["error"]["kind"] == "unavailable"
        assert system.verb("up", str(system.campaign))["started"] == ["catalog"]
        wait_until(lambda: is_settled(system))

    assert read_pointers(system) == pointers
    (switch,) = system.verb("edge", "switch", "ls")["switches"]
    assert (switch["is_on"], switch["setting"]["reason"]) == (True, "kept")
    system.verb("edge", "switch", "undo", "non_us_ban")
    assert serving(system) == before
    assert visits.failed == []


def test_a_dead_instance_is_replaced(system: CampaignUnderTest) -> None:
    """In place of a killed instance comes a new one under a name of its own, and no visitor's GET fails."""
    before = instances(system, "events")
    victim = before[0]
    with visiting(system, "/api/events/events") as visits:
        wait_until(lambda: visits.answered > 20)
        supervised(system.run / "instances" / victim)[1].kill()
        wait_until(lambda: victim not in instances(system, "events") and is_settled(system), 40)

    after = instances(system, "events")
    assert len(after) == len(before)
    assert set(before) - set(after) == {victim}
    assert not (system.run / "instances" / victim).exists()
    assert visits.failed == []


def test_a_damaged_manifest_stops_neither_status_nor_replacement(system: CampaignUnderTest) -> None:
    """While no region has a live image whole, status says so, and a dead instance has a successor all the same."""
    before = instances(system, "hamm")
    release, _ = read_pointers(system)["image/hamm"]
    manifests = list(
        system.home.glob(f"data/campaign/regions/*/releases/{release.removeprefix('sha256:')}/manifest.json")
    )
    kept = {file: file.read_bytes() for file in manifests}
    assert len(kept) == 2
    try:
        for file in kept:
            file.unlink()
            file.write_bytes(b"damaged")
        supervised(system.run / "programs" / "control")[1].kill()
        wait_until(lambda: "is damaged" in sentence(system, "hamm"), 40)
        assert any(
            note.startswith("hamm: ") and "is damaged" in note for note in system.verb("status")["notes"]
        )
        supervised(system.run / "instances" / before[0])[1].kill()
        wait_until(lambda: is_replaced(system, "hamm", before), 40)
    finally:
        for file, content in kept.items():
            file.unlink()
            file.write_bytes(content)
    wait_until(lambda: is_settled(system), 40)
    assert before[1] in instances(system, "hamm")


@pytest.mark.parametrize("name", [*ROUTERS, *STORES, "region-east"])
def test_routers_and_stores_are_started_again_in_place(system: CampaignUnderTest, name: str) -> None:
    """A killed router, store or region's server serves again what it served, and every ack holds again."""
    donation = donate(system, f"Giver before {name} died")
    system.verb("ban", "127.0.0.77", "--for", "5m", "--reason", f"before {name} died")
    pages = {path: system.get(path).data for path in ("/", "/calls/", "/api/openapi.json")}
    killed = supervised(system.run / "programs" / name)[1]
    others = serving(system)

    killed.kill()

    wait_until(lambda: supervised(system.run / "programs" / name)[1] != killed)
    wait_until(lambda: is_answering(system) and is_settled(system), 40)
    assert {path: system.get(path).data for path in pages} == pages
    assert system.get(f"/api/hamm/donations/{donation}").status == 200
    assert serving(system).items() - others.items() <= {(name, supervised(system.run / "programs" / name)[1])}
    assert is_banned(system, "127.0.0.77")
    system.verb("unban", "127.0.0.77")
    assert not is_banned(system, "127.0.0.77")


def test_a_leader_that_stood_still_writes_nothing_late(system: CampaignUnderTest, tmp_path: Path) -> None:
    """Stopped before its write, a leader is succeeded by another; its write, when it comes, is refused, and nothing is lost."""
    kill_for_good(system.run / "programs" / "control")
    release = publish(system, "image/events", change(system, "events"))
    with gate_before(system.description["catalog"]) as gate, another_control(system, gate, tmp_path) as first:
        wait_until(lambda: leader(system).endswith(f"pid {first.pid}"), TAKE_OVER_SECONDS)
        assert system.verb("up", str(system.campaign))["started"] == ["control"]
        gate.close()
        with visiting(system, "/api/events/events") as visits:
            system.handshake("promote", "image/events", release, *FORCE, "--wait", "0", check=False)
            assert gate.has_write.wait(20)
            first.send_signal(signal.SIGSTOP)

            wait_until(lambda: leader(system).endswith(f"pid {system.pid_of('control')}"), TAKE_OVER_SECONDS)
            wait_until(lambda: has_arrived(system, release), 60)
            before, journal = fleet(system, "events"), system.verb("history", "image/events")

            gate.open()
            wait_until(lambda: bool(gate.answers))
            first.send_signal(signal.SIGCONT)
            wait_until(lambda: "lead" in (tmp_path / "log").read_text().rpartition("leader: ")[2], 20)

    assert gate.answers[0].split()[1] == b"409"
    assert leader(system).endswith(f"pid {system.pid_of('control')}")
    assert names(fleet(system, "events")) == names(before)
    assert system.verb("history", "image/events") == journal
    assert has_arrived(system, release)
    assert visits.failed == []


def test_down_leaves_nothing_behind_and_up_brings_it_back(system: CampaignUnderTest) -> None:
    """`down` ends every process and leaves no run folder; `up` serves the same releases and donations."""
    donation, pointers = donate(system, "Giver before down"), read_pointers(system)
    run, processes = system.run, processes_of(system.root)
    assert len(processes) > 30

    system.verb("down")

    assert still_running(processes) == []
    assert processes_of(system.root) == frozenset()
    assert not run.exists()
    report = system.verb("up", str(system.campaign))
    assert report["promoted"] == []
    wait_until(lambda: is_answering(system) and is_settled(system), 60)
    assert read_pointers(system) == pointers
    assert system.get(f"/api/hamm/donations/{donation}").status == 200
    assert system.get("/calls/").status == 200


@pytest.fixture
def without_control(system: CampaignUnderTest) -> Iterator[None]:
    """Kill the control plane with its supervisor, and start it again afterwards."""
    kill_for_good(system.run / "programs" / "control")
    yield
    assert system.verb("up", str(system.campaign))["started"] == ["control"]


def serving(system: CampaignUnderTest) -> dict[str, Process]:
    """Return every process that visitors need."""
    folders = [system.run / "programs" / name for name in (*ROUTERS, *STORES, "region-east", "region-west")]
    folders += (system.run / "instances").iterdir()
    return {folder.name: supervised(folder)[1] for folder in folders}


def instances(system: CampaignUnderTest, service: str) -> list[str]:
    """Return the instances of one service, as status shows them."""
    (fleet,) = (fleet for fleet in system.verb("status")["fleets"] if fleet["service"] == service)
    return sorted(instance["instance"] for instance in fleet["instances"])


def sentence(system: CampaignUnderTest, service: str) -> str:
    """Return what status says of one service's fleet."""
    (fleet,) = (fleet for fleet in system.verb("status")["fleets"] if fleet["service"] == service)
    said: str = fleet["sentence"]
    return said


def is_replaced(system: CampaignUnderTest, service: str, before: list[str]) -> bool:
    """Whether one of these has a successor that serves."""
    (fleet,) = (fleet for fleet in system.verb("status")["fleets"] if fleet["service"] == service)
    ready = {each["instance"] for each in fleet["instances"] if each["ready"] == "yes"}
    return len(ready) == len(before) and bool(ready - set(before))


def is_settled(system: CampaignUnderTest) -> bool:
    """Whether every place serves every pointer."""
    said = system.handshake("status", "--json", check=False)
    return said.returncode == 0 and bool(json.loads(said.stdout)["is_settled"])


def is_answering(system: CampaignUnderTest) -> bool:
    """Whether every kind of page is there."""
    try:
        return all(
            system.get(path).status == 200
            for path in ("/", "/calls/", "/api/hamm/summary", "/api/openapi.json")
        )
    except urllib3.exceptions.HTTPError:
        return False


def is_banned(system: CampaignUnderTest, client: str) -> bool:
    """Whether the ingress refuses a client of this address."""
    pool = system.http.connection_from_url(
        f"http://{system.ingress}", pool_kwargs={"source_address": (client, 0), "retries": False}
    )
    return pool.request("GET", "/").status == 403


def read_pointers(system: CampaignUnderTest) -> dict[str, Any]:
    """Return every pointer's release and revision."""
    return {row["subject"]: (row["release"], row["revision"]) for row in system.verb("status")["subjects"]}
