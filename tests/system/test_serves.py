"""A campaign that is up answers through every box."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.system.campaign_up import CampaignUnderTest

pytestmark = pytest.mark.live


@pytest.mark.parametrize(
    "path", ["/", "/donate", "/calls/", "/docs/", "/api-explorer/", "/api/events/events"]
)
def test_every_page_answers(system: CampaignUnderTest, path: str) -> None:
    """Pages, sites and APIs are served through the ingress."""
    assert system.get(path).status == 200


def test_every_place_has_acknowledged(system: CampaignUnderTest) -> None:
    """After `up`, every place serves every pointer, and every pointer's release is stable."""
    status = system.verb("status")

    assert status["is_settled"]
    assert {row["subject"] for row in status["subjects"]} >= {"policy/campaign", "site/calls", "image/hamm"}


def test_the_gateway_describes_the_services(system: CampaignUnderTest) -> None:
    """The merged description holds the paths of every service."""
    described = json.loads(system.get("/api/openapi.json").data)

    assert "/api/hamm/donations" in described["paths"]


def test_the_edge_can_be_rehearsed(system: CampaignUnderTest) -> None:
    """A verb says of a request what the ingress then does with it, by the live policy, switches and lists."""
    listed = "203.0.113.77"
    system.verb("ban", listed, "--for", "1h", "--reason", "rehearsed")
    walled = system.verb("edge", "explain", "GET", "/calls/", "--ip", listed)
    assert (walled["explanation"]["ending"], walled["listed_on"]) == ("the-wall", ["wall"])
    assert walled["source"] == "campaign campaign"
    found = system.verb("edge", "explain", "GET", "/calls/", "--ip", "127.0.0.1", "--rule", "the-wall")
    assert found["way"]["name"] == "calls"
    assert found["explanation"]["why"]["why"] == "its condition does not hold"

    assert system.get("/calls/").status == 200
    report = system.verb("edge", "replay", "--policy", str(system.campaign))
    assert report["requests"] == report["same"] > 0
    system.verb("unban", listed)


def test_a_second_up_adopts_what_runs(system: CampaignUnderTest) -> None:
    """`up` on a campaign that is up starts nothing, promotes nothing, and takes seconds."""
    before = system.pid_of("ingress")
    report = system.verb("up", str(system.campaign))

    assert (report["started"], report["promoted"]) == ([], [])
    assert system.pid_of("ingress") == before


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
def test_the_shell_completes(system: CampaignUnderTest, words: str, expected: set[str]) -> None:
    """A shell offers verbs, and the subjects, services and programs of the campaign that is up."""
    assert complete(system, words) == expected


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_every_shell_has_a_completion_script(system: CampaignUnderTest, shell: str) -> None:
    """`completion` prints what a shell must source."""
    assert "_HANDSHAKE_COMPLETE" in system.handshake("completion", shell).stdout


def complete(system: CampaignUnderTest, words: str) -> set[str]:
    """Return what bash would offer after these words."""
    run = subprocess.run(
        [Path(sys.executable).parent / "handshake"],
        capture_output=True,
        text=True,
        check=True,
        env={
            **os.environ,
            "HANDSHAKE_HOME": str(system.home),
            "_HANDSHAKE_COMPLETE": "bash_complete",
            "COMP_WORDS": words,
            "COMP_CWORD": str(len(words.split()) - 1),
        },
    )
    return {line.split(",", 1)[1] for line in run.stdout.splitlines()}
