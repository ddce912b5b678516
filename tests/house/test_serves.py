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
    """Pages, sites and APIs are served through the door."""
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


def test_a_second_up_adopts_what_runs(house: HouseUnderTest) -> None:
    """`up` on a campaign that is up starts nothing, promotes nothing, and takes seconds."""
    before = house.pid_of("door")
    report = house.verb("up", str(house.campaign))

    assert (report["started"], report["promoted"]) == ([], [])
    assert house.pid_of("door") == before


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ("handshake rollback site/", {"site/calls", "site/docs", "site/api-explorer"}),
        ("handshake status ha", {"hamm"}),
        ("handshake logs cat", {"catalog"}),
        ("handshake pu", {"publish"}),
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
