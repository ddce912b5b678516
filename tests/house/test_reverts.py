"""A release that fails goes back by itself before a visitor meets it; what arrives, arrives at once."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.house.house import HouseUnderTest
from tests.house.processes import wait_until
from tests.house.visitors import visiting

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


def test_an_image_that_crashes_goes_back(house: HouseUnderTest) -> None:
    """An image whose instance ends at its start is reverted, with its last words; no instance was touched."""
    source = copy_beside(house.campaign / "services" / "events", "crashing")
    (source / "events" / "__main__.py").write_text(CRASH)

    arrival = publish_to_fail(house, "image/events", source, service="events", path="/api/events/events")

    assert "the ingresses of the convention are shut" in arrival["why"]


def test_templates_that_cannot_be_rendered_go_back(house: HouseUnderTest) -> None:
    """Templates that fail on a page's content are reverted, with what the renderer said; no instance was touched."""
    source = copy_beside(house.campaign / "templates" / "secretary", "dividing")
    home = source / "home.html"
    home.write_text(home.read_text().replace("{{ page.headline }}", "{{ page.title / 2 }}"))

    arrival = publish_to_fail(house, "templates/secretary", source, service="secretary", path="/")

    assert "503" in arrival["why"]
    assert "home.html" in arrival["why"]


def test_a_site_arrives_and_goes_back_at_once(house: HouseUnderTest) -> None:
    """A site's release and its rollback are served by every place within seconds."""
    before = house.get("/calls/").data
    page = house.campaign / "sites" / "calls" / "src" / "index.html"
    page.write_text(page.read_text().replace("Names and numbers are invented.", "Nobody here is real."))

    assert_soon(house.verb("publish", "site/calls", "--promote"))
    assert b"Nobody here is real." in house.get("/calls/").data
    assert_soon(house.verb("rollback", "site/calls"))
    assert house.get("/calls/").data == before


def test_a_policy_arrives_and_goes_back_at_once(house: HouseUnderTest) -> None:
    """A planned policy is served by every place within seconds of its apply, and so is its rollback."""
    edge = house.campaign / "edge.toml"
    written = edge.read_text()
    edge.write_text(written + RULE)

    planned = house.verb("plan")
    edge.write_text(written)
    assert house.get("/teapot").status == 404
    assert_soon(house.verb("apply", planned["release"], "--from-revision", str(planned["from_revision"])))
    assert house.get("/teapot").status == 418
    assert_soon(house.verb("rollback", "policy/campaign"))
    assert house.get("/teapot").status == 404


def test_a_policy_that_breaks_its_promise_is_not_applied(house: HouseUnderTest) -> None:
    """A policy of whose cases one fails moves no pointer; forced it does, and the history keeps the reason."""
    cases, before = house.campaign / "edge_tests.toml", newest(house, "policy/campaign")
    written = cases.read_text()
    cases.write_text(written + BROKEN_PROMISE)
    planned = house.verb("plan")
    cases.write_text(written)
    words = ("apply", planned["release"], "--from-revision", str(planned["from_revision"]))

    said = house.handshake(*words, "--json", check=False)
    assert said.returncode == 2
    assert [problem["check"] for problem in json.loads(said.stdout)["problems"]] == ["edge-case-fails"]
    assert newest(house, "policy/campaign") == before

    assert_soon(house.verb(*words, "--force", "the promise was a joke"))
    assert newest(house, "policy/campaign")["reason"] == "applied; forced: the promise was a joke"
    assert_soon(house.verb("rollback", "policy/campaign"))


def test_a_policy_that_a_program_refuses_goes_back(house: HouseUnderTest) -> None:
    """A policy that HAProxy does not accept goes back by itself with HAProxy's words; the one before serves on."""
    edge = house.campaign / "edge.toml"
    before, written = newest(house, "policy/campaign"), edge.read_text()
    edge.write_text(written + TOO_LARGE)

    planned = house.verb("plan")
    with visiting(house) as visits:
        said = house.handshake(
            *("apply", planned["release"], "--from-revision", str(planned["from_revision"]), "--json"),
            check=False,
        )
    edge.write_text(written)

    assert said.returncode == 1
    assert json.loads(said.stdout)["ending"] == "reverted"
    reverted = newest(house, "policy/campaign")
    assert (reverted["release"], reverted["moved_by"]) == (before["release"], "leader")
    assert "ingress@n1 cannot serve it: HAProxy does not accept" in reverted["reason"]
    assert house.get("/teapot").status == 404
    assert "regular expression is too large" in house.handshake("history", "policy/campaign", "--json").stdout
    wait_until(lambda: house.verb("status")["is_settled"])
    assert "HAProxy does not accept" in " ".join(house.handshake("history", "policy/campaign").stdout.split())
    assert visits.failed == []


def publish_to_fail(house: HouseUnderTest, subject: str, source: Path, *, service: str, path: str) -> Any:
    """Publish and promote what cannot work; return the verb's report, all that must hold having been checked."""
    before, instances = newest(house, subject), instances_of(house, service)
    with visiting(house, path) as visits:
        force = ("--force", "to see it go back")
        said = house.handshake("publish", subject, str(source), "--promote", *force, "--json", check=False)

    assert said.returncode == 1, said.stdout + said.stderr
    arrival: dict[str, Any] = json.loads(said.stdout)
    assert arrival["ending"] == "reverted"
    assert instances_of(house, service) == instances
    reverted, bad = history(house, subject)[:2]
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


def history(house: HouseUnderTest, subject: str) -> list[dict[str, Any]]:
    """Return a pointer's values, the newest first."""
    pointers: list[dict[str, Any]] = house.verb("history", subject)["pointers"]
    return pointers


def newest(house: HouseUnderTest, subject: str) -> dict[str, Any]:
    """Return a pointer's value of now."""
    return history(house, subject)[0]


def instances_of(house: HouseUnderTest, service: str) -> list[str]:
    """Return the instances of one service, as status shows them."""
    (fleet,) = (fleet for fleet in house.verb("status")["fleets"] if fleet["service"] == service)
    return sorted(instance["instance"] for instance in fleet["instances"])
