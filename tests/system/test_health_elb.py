"""Slide 41 on the running system: what the agent answers to a load balancer for each instance."""

from __future__ import annotations

import json
import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.system.campaign_up import CampaignUnderTest, system_up
from tests.system.processes import kill_for_good, wait_until

pytestmark = pytest.mark.live

CONSUL_ERROR = b"sos-template-deploy.consul-error:1|c"


@pytest.fixture(scope="module")
def counters() -> Iterator[socket.socket]:
    """Listen as a DogStatsD agent does."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as listener:
        listener.bind(("127.0.0.1", 0))
        listener.settimeout(5.0)
        yield listener


@pytest.fixture(scope="module")
def system(counters: socket.socket) -> Iterator[CampaignUnderTest]:
    """Bring a campaign up whose counters go to this test."""
    host, port = counters.getsockname()

    def count_here(system: CampaignUnderTest) -> None:
        file = system.campaign / "handshake.toml"
        file.write_text(f'{file.read_text()}\n[telemetry]\ndogstatsd = "{host}:{port}"\n')

    with system_up(count_here) as up:
        yield up


def test_an_instance_of_the_live_release_is_well(system: CampaignUnderTest) -> None:
    """Where the instance serves the release that the pointer names, both answers are 200."""
    for instance in (*instances_of(system, "secretary"), *instances_of(system, "hamm")):
        assert ask(system, instance, "health")[0] == 200
        assert ask(system, instance, "health-elb")[0] == 200


def test_an_unknown_instance_is_not_found(system: CampaignUnderTest) -> None:
    """An instance that this node does not run is answered with 404."""
    assert ask(system, "secretary-aaaaaaaa", "health-elb")[0] == 404


def test_a_stale_instance_is_ill_for_the_balancer_alone_and_in_turn(system: CampaignUnderTest) -> None:
    """Of instances of the release before, as many as the budget has are 503 for the balancer; `/health` is 200."""
    before = instances_of(system, "secretary")
    # Nobody leads, so nobody replaces: what the pointer says and what runs stay apart.
    kill_for_good(system.run / "programs" / "control")
    release = move_templates(system)

    first, second = before
    for _ in range(3):
        status, body = ask(system, first, "health-elb")
        assert status == 503
        assert release in json.loads(body)["reason"]
        status, body = ask(system, second, "health-elb")
        assert status == 200
        assert f"1 of 1 are out ({first})" in json.loads(body)["reason"]
        assert [ask(system, name, "health")[0] for name in before] == [200, 200]
    assert ask(system, instances_of(system, "hamm")[0], "health-elb")[0] == 200

    system.verb("up", str(system.campaign))
    wait_until(lambda: not set(before) & set(instances_of(system, "secretary")), 60)
    wait_until(lambda: system.verb("status")["is_settled"], 60)
    assert [ask(system, name, "health-elb")[0] for name in instances_of(system, "secretary")] == [200, 200]


def test_without_a_catalogue_the_plain_check_decides(
    system: CampaignUnderTest, counters: socket.socket
) -> None:
    """Where the catalogue does not answer, the error is counted, and a well instance stays well."""
    instance = instances_of(system, "secretary")[0]
    kill_for_good(system.run / "programs" / "catalog")

    status, _ = ask(system, instance, "health-elb")

    assert status == 200
    assert counters.recv(1024).splitlines()[0].startswith(CONSUL_ERROR)
    assert system.verb("up", str(system.campaign))["started"] == ["catalog"]
    assert ask(system, instance, "health-elb")[0] == 200


def move_templates(system: CampaignUnderTest) -> str:
    """Publish templates of another look, move the pointer to them without waiting, and return their release."""
    page: Path = system.campaign / "templates" / "secretary" / "about.html"
    page.write_text(f"{page.read_text()}<!-- another look -->\n")
    said = system.handshake(
        "publish", "templates/secretary", "--promote", "--wait", "0", "--json", check=False
    )
    arrival = json.loads(said.stdout)
    assert (said.returncode, arrival["ending"]) == (1, "still waiting")
    release: str = arrival["pointer"]["release"]
    return release


def ask(system: CampaignUnderTest, instance: str, question: str) -> tuple[int, bytes]:
    """Ask the agent as a load balancer does."""
    answer = system.http.request("GET", f"http://{system.description['agent']}/{instance}/{question}")
    return answer.status, answer.data


def instances_of(system: CampaignUnderTest, service: str) -> list[str]:
    """Return the instances of one service that run here."""
    return sorted(folder.name for folder in (system.run / "instances").glob(f"{service}-*"))
