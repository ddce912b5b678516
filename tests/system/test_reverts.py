"""A release that fails goes back by itself before a visitor meets it; what arrives, arrives at once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.system.campaign_up import CampaignUnderTest
from tests.system.processes import wait_until
from tests.system.visitors import visiting

pytestmark = pytest.mark.live

SOON_SECONDS = 5.0
CRASH = 'raise SystemExit("the ingresses of the convention are shut")\n'
RULE = """
[[rule]]
name = "no-teapots"
phase = "serve"
when = 'request.path == "/teapot"'
respond = { status = 418, reason = "Teapot", body = "Short and stout.\\n" }
"""

BROKEN_PROMISE = """
[[case]]
name = "nobody gets in"
expect = { status = 403 }
"""
TOO_LARGE = """
[[rule]]
name = "large-pattern"
phase = "admit"
when = 'request.path.matches("^/teapot(?:[a-c][x-z]){1000}")'
respond = { status = 418 }
"""
"""A good pattern, of which only HAProxy's own engine can say that it becomes larger than its 64 KiB."""


def test_an_image_that_crashes_goes_back(system: CampaignUnderTest) -> None:
    """An image whose instance ends at its start is reverted, with its last words; no instance was touched."""
    source = copy_beside(system.campaign / "services" / "events", "crashing")
    (source / "events" / "__main__.py").write_text(CRASH)

    arrival = publish_to_fail(system, "image/events", source, service="events", path="/api/events/events")

    assert "the ingresses of the convention are shut" in arrival["why"]


def test_templates_that_cannot_be_rendered_go_back(system: CampaignUnderTest) -> None:
    """Templates that fail on a page's content are reverted, with what the renderer said; no instance was touched."""
    source = copy_beside(system.campaign / "templates" / "secretary", "dividing")
    home = source / "home.html"
    home.write_text(home.read_text().replace("{{ page.headline }}", "{{ page.title / 2 }}"))

    arrival = publish_to_fail(system, "templates/secretary", source, service="secretary", path="/")

    assert "503" in arrival["why"]
    assert "home.html" in arrival["why"]


def test_a_site_arrives_and_goes_back_at_once(system: CampaignUnderTest) -> None:
    """A site's release and its rollback are served by every place within seconds."""
    before = system.get("/calls/").data
    page = system.campaign / "sites" / "calls" / "src" / "index.html"
    page.write_text(page.read_text().replace("Names and numbers are invented.", "Nobody here is real."))

    assert_soon(system.verb("publish", "site/calls", "--promote"))
    assert b"Nobody here is real." in system.get("/calls/").data
    assert_soon(system.verb("rollback", "site/calls"))
    assert system.get("/calls/").data == before


def test_a_policy_arrives_and_goes_back_at_once(system: CampaignUnderTest) -> None:
    """A planned policy is served by every place within seconds of its apply, and so is its rollback."""
    edge = system.campaign / "edge.toml"
    written = edge.read_text()
    edge.write_text(written + RULE)

    planned = system.verb("plan")
    edge.write_text(written)
    assert system.get("/teapot").status == 404
    assert_soon(system.verb("apply", planned["release"], "--from-revision", str(planned["from_revision"])))
    assert system.get("/teapot").status == 418
    assert_soon(system.verb("rollback", "policy/campaign"))
    assert system.get("/teapot").status == 404


def test_a_policy_that_breaks_its_promise_is_not_applied(system: CampaignUnderTest) -> None:
    """A policy of whose cases one fails moves no pointer; forced it does, and the history keeps the reason."""
    cases, before = system.campaign / "edge_tests.toml", newest(system, "policy/campaign")
    written = cases.read_text()
    cases.write_text(written + BROKEN_PROMISE)
    planned = system.verb("plan")
    cases.write_text(written)
    words = ("apply", planned["release"], "--from-revision", str(planned["from_revision"]))

    said = system.handshake(*words, "--json", check=False)
    assert said.returncode == 2
    assert [problem["check"] for problem in json.loads(said.stdout)["problems"]] == ["edge-case-fails"]
    assert newest(system, "policy/campaign") == before

    assert_soon(system.verb(*words, "--force", "the promise was a joke"))
    assert newest(system, "policy/campaign")["reason"] == "applied; forced: the promise was a joke"
    assert_soon(system.verb("rollback", "policy/campaign"))


def test_a_policy_that_a_program_refuses_goes_back(system: CampaignUnderTest) -> None:
    """A policy that HAProxy does not accept goes back by itself with HAProxy's words; the one before serves on."""
    edge = system.campaign / "edge.toml"
    before, written = newest(system, "policy/campaign"), edge.read_text()
    edge.write_text(written + TOO_LARGE)

    planned = system.verb("plan")
    with visiting(system) as visits:
        said = system.handshake(
            *("apply", planned["release"], "--from-revision", str(planned["from_revision"]), "--json"),
            check=False,
        )
    edge.write_text(written)

    assert said.returncode == 1
    assert json.loads(said.stdout)["ending"] == "reverted"
    reverted = newest(system, "policy/campaign")
    assert (reverted["release"], reverted["moved_by"]) == (before["release"], "leader")
    assert "ingress@n1 cannot serve it: HAProxy does not accept" in reverted["reason"]
    assert system.get("/teapot").status == 404
    assert (
        "regular expression is too large" in system.handshake("history", "policy/campaign", "--json").stdout
    )
    wait_until(lambda: system.verb("status")["is_settled"])
    assert "HAProxy does not accept" in " ".join(
        system.handshake("history", "policy/campaign").stdout.split()
    )
    assert visits.failed == []


def publish_to_fail(system: CampaignUnderTest, subject: str, source: Path, *, service: str, path: str) -> Any:
    """Publish and promote what cannot work; return the verb's report, all that must hold having been checked."""
    before, instances = newest(system, subject), instances_of(system, service)
    with visiting(system, path) as visits:
        force = ("--force", "to see it go back")
        said = system.handshake("publish", subject, str(source), "--promote", *force, "--json", check=False)

    assert said.returncode == 1, said.stdout + said.stderr
    arrival: dict[str, Any] = json.loads(said.stdout)
    assert arrival["ending"] == "reverted"
    assert instances_of(system, service) == instances
    reverted, bad = history(system, subject)[:2]
    assert (reverted["release"], reverted["moved_by"]) == (before["release"], "leader")
    assert bad["release"] == arrival["pointer"]["release"] != before["release"]
    assert visits.answered > 0
    assert visits.failed == []
    return arrival


def assert_soon(arrival: dict[str, Any]) -> None:
    """Require that a pointer arrived everywhere, and soon."""
    assert arrival["ending"] == "arrived"
    assert arrival["seconds"] < SOON_SECONDS


def copy_beside(source: Path, name: str) -> Path:
    """Copy a source beside itself, where its recipe finds what it found before."""
    return shutil.copytree(source, source.with_name(name))


def history(system: CampaignUnderTest, subject: str) -> list[dict[str, Any]]:
    """Return a pointer's values, the newest first."""
    pointers: list[dict[str, Any]] = system.verb("history", subject)["pointers"]
    return pointers


def newest(system: CampaignUnderTest, subject: str) -> dict[str, Any]:
    """Return a pointer's value of now."""
    return history(system, subject)[0]


def instances_of(system: CampaignUnderTest, service: str) -> list[str]:
    """Return the instances of one service, as status shows them."""
    (fleet,) = (fleet for fleet in system.verb("status")["fleets"] if fleet["service"] == service)
    return sorted(instance["instance"] for instance in fleet["instances"])
