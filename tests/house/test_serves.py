"""A campaign that is up answers through every box."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.house.house import HouseUnderTest

pytestmark = pytest.mark.live


@pytest.mark.parametrize(
    "path", ["/", "/donate", "/calls/", "/docs/", "/api-explorer/", "/api/events/events"]
)
def test_every_page_answers(house: HouseUnderTest, path: str) -> None:
    """Pages, sites and APIs are served through the ingress."""
    assert house.get(path).status == 200


def test_every_place_has_acknowledged(house: HouseUnderTest) -> None:
    """After `up`, every place serves every pointer, and every pointer's release is stable."""
    status = house.verb("status")

    assert status["is_settled"]
    assert {row["subject"] for row in status["subjects"]} >= {"policy/campaign", "site/calls", "image/hamm"}


def test_the_gateway_describes_the_services(house: HouseUnderTest) -> None:
    """The merged description holds the paths of every service."""
    described = json.loads(house.get("/api/openapi.json").data)

    assert "/api/hamm/donations" in described["paths"]


def test_the_edge_can_be_rehearsed(house: HouseUnderTest) -> None:
    """A verb says of a request what the ingress then does with it, by the live policy, switches and lists."""
    listed = "203.0.113.77"
    house.verb("ban", listed, "--for", "1h", "--reason", "rehearsed")
    walled = house.verb("edge", "explain", "GET", "/calls/", "--ip", listed)
    assert (walled["explanation"]["ending"], walled["listed_on"]) == ("the-wall", ["wall"])
    assert walled["source"] == "campaign campaign"
    found = house.verb("edge", "explain", "GET", "/calls/", "--ip", "127.0.0.1", "--rule", "the-wall")
    assert found["way"]["name"] == "calls"
    assert found["explanation"]["why"]["why"] == "its condition does not hold"

    assert house.get("/calls/").status == 200
    report = house.verb("edge", "replay", "--policy", str(house.campaign))
    assert report["requests"] == report["same"] > 0
    house.verb("unban", listed)


def test_a_second_up_adopts_what_runs(house: HouseUnderTest) -> None:
    """`up` on a campaign that is up starts nothing, promotes nothing, and takes seconds."""
    before = house.pid_of("ingress")
    report = house.verb("up", str(house.campaign))

    assert (report["started"], report["promoted"]) == ([], [])
    assert house.pid_of("ingress") == before


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("handshake rollback site/", {"site/calls", "site/docs", "site/api-explorer"}),
        ("handshake status ha", {"hamm"}),
        ("handshake logs cat", {"catalog"}),
        ("handshake pu", {"publish"}),
        ("handshake edge explain GET / --rule the-", {"the-wall"}),
        ("handshake edge explain GET / --switch non", {"non_us_ban=on", "non_us_ban=off"}),
    ],
)
def test_the_shell_completes(house: HouseUnderTest, words: str, expected: set[str]) -> None:
    """A shell offers verbs, and the subjects, services and programs of the campaign that is up."""
    assert complete(house, words) == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_completion_script(house: HouseUnderTest, shell: str) -> None:
    """`completion` prints what a shell must source."""
    assert "_HANDSHAKE_COMPLETE" in house.handshake("completion", shell).stdout


def complete(house: HouseUnderTest, words: str) -> set[str]:
    """Return what bash would offer after these words."""
    run = subprocess.run(
        [Path(sys.executable).parent / "handshake"],
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "HANDSHAKE_HOME": str(house.home),
            "_HANDSHAKE_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        },
    )
    return {line.split(",", 1)[1] for line in run.stdout.splitlines()}
