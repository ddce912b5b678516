"""What is wrong is said before anything starts: what, where, what to do; and all of it at once."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.system.campaign_up import CampaignUnderTest, copy_campaign
from tests.system.processes import processes_of

pytestmark = pytest.mark.live

Break = Callable[[CampaignUnderTest], object]


def rewrite(name: str, old: str, new: str) -> Break:
    """Return what replaces a text of one file, once."""

    def change(system: CampaignUnderTest) -> None:
        file = system.campaign / name
        text = file.read_text()
        assert old in text
        file.write_text(text.replace(old, new, 1))

    return change


def share_an_address(system: CampaignUnderTest) -> None:
    """Let the dashboard listen where the ingress does."""
    text = (system.campaign / "handshake.toml").read_text()
    ingress, dashboard = (line for line in text.splitlines() if line.startswith(("ingress =", "dashboard =")))
    rewrite("handshake.toml", dashboard, ingress.replace("ingress", "dashboard"))(system)


@pytest.fixture
def system(tmp_path: Path) -> CampaignUnderTest:
    """A copy of the campaign to break; nothing runs."""
    return copy_campaign(tmp_path)


def find_place(system: CampaignUnderTest, where: str) -> str:
    """Return a place whose line may be given by what stands there: the last line of the file that holds it."""
    file, _, rest = where.partition(":{")
    text, _, column = rest.partition("}")
    if not text:
        return where
    lines = (system.campaign / file).read_text().splitlines()
    return f"{file}:{max(number for number, line in enumerate(lines, 1) if text in line)}{column}"


MISTAKES = {
    "unknown-key": (
        rewrite("handshake.toml", "floor = 2", "flor = 2"),
        ("unknown-key", "handshake.toml:{flor = 2}:1", "Did you mean floor?"),
    ),
    "wrong-type": (
        rewrite("handshake.toml", "floor = 2", 'floor = "two"'),
        (
            "wrong-type",
            'handshake.toml:{floor = "two"}:1',
            "services.hamm.floor: it should be a valid integer",
        ),
    ),
    "no-toml": (
        rewrite("gateway.toml", 'title = "', "title = "),
        ("syntax", "gateway.toml:3:9", "not valid TOML"),
    ),
    "missing-file": (
        lambda system: (system.campaign / "edge.toml").unlink(),
        ("missing-file", "edge.toml", "the file does not exist"),
    ),
    "missing-source": (
        rewrite("handshake.toml", '"sites/calls"', '"sites/cals"'),
        ("missing-source", "handshake.toml:{sites/cals}:1", "the source of sites.calls does not exist"),
    ),
    "duplicate-path": (
        rewrite("gateway.toml", 'path = "/api/events"', 'path = "/api/hamm"'),
        ("gateway-duplicate-path", "gateway.toml:14:1", "first at gateway.toml:6:1"),
    ),
    "two-sites-on-one-mount": (
        rewrite("handshake.toml", 'mount = "/docs"', 'mount = "/calls"'),
        (
            "mount-of-two",
            'handshake.toml:{mount = "/calls"}:1',
            "sites calls and docs are both mounted at /calls",
        ),
    ),
    "site-and-service-on-one-path": (
        rewrite("handshake.toml", 'mount = "/docs"', 'mount = "/api/hamm"'),
        ("path-of-two", 'handshake.toml:{mount = "/api/hamm"}:1', "/api/hamm is used by both site docs and"),
    ),
    "address-used-twice": (
        share_an_address,
        (
            "address-of-two",
            "handshake.toml:{dashboard =}:1",
            "listen.dashboard and listen.ingress both listen on",
        ),
    ),
    "unknown-list": (
        rewrite("edge.toml", "client.ip in list.wall", "client.ip in list.wal"),
        ("edge-unknown-list", 'edge.toml:{list.wal"}:22', "Did you mean wall?"),
    ),
    "unknown-service": (
        rewrite("gateway.toml", 'service = "events"', 'service = "event"'),
        ("gateway-unknown-service", "gateway.toml:15:1", "Did you mean events?"),
    ),
    "unknown-key-of-a-service": (
        rewrite("services/events/service.toml", "command =", "comand ="),
        ("unknown-key", "services/events/service.toml:3:1", "Did you mean command?"),
    ),
    "missing-template": (
        rewrite("templates/secretary/templates.toml", '"home.html"', '"hme.html"'),
        (
            "template-missing",
            "templates/secretary/templates.toml:7:1",
            "the template hme.html does not exist",
        ),
    ),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_mistake_is_named_with_its_place_and_a_hint(system: CampaignUnderTest, mistake: str) -> None:
    """`up` and `check` name a mistake, its file, line and column, and what to do; nothing is started."""
    make, (check, where, words) = MISTAKES[mistake]
    make(system)

    said = system.handshake("check", str(system.campaign), check=False)
    problems = refused(system, "up", str(system.campaign))

    assert said.returncode == 2
    assert "Traceback" not in said.stderr
    assert words in said.stderr
    (problem,) = (problem for problem in problems if problem["check"] == check)
    assert place(problem).endswith(find_place(system, where))
    assert words in f"{problem['what']} {problem['hint']}"
    assert problem["hint"]
    assert_nothing_started(system)


def test_the_problems_of_all_files_come_at_once(system: CampaignUnderTest) -> None:
    """Mistakes in several files, policy and sources alike, are all reported by one run."""
    made = ("unknown-list", "unknown-service", "two-sites-on-one-mount", "unknown-key-of-a-service")
    for mistake in made:
        MISTAKES[mistake][0](system)

    found = {problem["check"] for problem in refused(system, "up", str(system.campaign))}

    assert found >= {MISTAKES[mistake][1][0] for mistake in made}


def test_a_taken_port_is_named_with_who_has_it(system: CampaignUnderTest) -> None:
    """Where another program listens on a port of ours, it is named with its process id."""
    address = ingress_of(system)
    host, _, port = address.rpartition(":")
    with socket.socket() as squatter:
        squatter.bind((host, int(port)))
        squatter.listen()
        (problem,) = refused(system, "up", str(system.campaign))

    assert problem["check"] == "port-in-use"
    assert f"(pid {os.getpid()}) listens there" in problem["what"]
    assert f"listen.ingress needs port {port}" in problem["what"]
    assert place(problem) == "handshake.toml:7:1"
    assert_nothing_started(system)


def test_missing_programs_are_named_with_what_installs_them(system: CampaignUnderTest) -> None:
    """Every program that is not installed is named, with what it is for and the line that installs it."""
    # Over each program lies an empty device, for this one run alone: so it is on a machine without it.
    hidden = [
        word for name in ("varnishd", "haproxy") for word in ("--bind", "/dev/null", f"/usr/sbin/{name}")
    ]
    up = [sys.executable, "-m", "handshake.cli.main", "up", str(system.campaign), "--json"]

    said = subprocess.run(
        ["bwrap", "--dev-bind", "/", "/", *hidden, "--", *up],
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
        env={**os.environ, "HANDSHAKE_HOME": str(system.home)},
    )

    assert said.returncode == 2, said.stderr
    problems = json.loads(said.stdout)["problems"]
    assert {problem["check"] for problem in problems} == {"missing-program"}
    assert {problem["hint"] for problem in problems} == {
        "sudo apt-get install varnish",
        "sudo apt-get install haproxy",
    }
    assert all("it is needed" in problem["what"] for problem in problems)
    assert_nothing_started(system)


def test_data_of_an_earlier_schema_are_not_half_used(system: CampaignUnderTest) -> None:
    """A data folder that says no schema number was written before there were any; it stays as it was."""
    data = system.home / "data" / "campaign"
    (data / "regions" / "east" / "shaken").mkdir(parents=True)
    (problem,) = refused(system, "up", str(system.campaign))

    assert (problem["check"], place(problem)) == ("data-of-another-schema", str(data))
    assert [file.name for file in data.iterdir()] == ["regions"]
    assert_nothing_started(system)


def refused(system: CampaignUnderTest, *words: str) -> list[dict[str, Any]]:
    """Run a verb that must refuse its input, and return the problems that it reports as JSON."""
    said = system.handshake(*words, "--json", check=False)
    assert said.returncode == 2, said.stdout + said.stderr
    assert "Traceback" not in said.stderr
    problems: list[dict[str, Any]] = json.loads(said.stdout)["problems"]
    return problems


def place(problem: dict[str, Any]) -> str:
    """Return where a problem is, as people read it."""
    where = problem["where"]
    return ":".join(str(part) for part in (where["file"], where["line"], where["column"]) if part)


def ingress_of(system: CampaignUnderTest) -> str:
    """Return the address that the campaign's file gives to the ingress."""
    text = (system.campaign / "handshake.toml").read_text()
    return text.split('ingress = "', 1)[1].split('"', 1)[0]


def assert_nothing_started(system: CampaignUnderTest) -> None:
    """Require that neither a process nor a run folder is left."""
    assert processes_of(system.root) == frozenset()
    assert not system.run.exists()
