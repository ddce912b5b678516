"""A campaign one of whose services never answers: `up` says so, the rest serves, and the verbs refuse bad input."""

from __future__ import annotations

import re
import shutil
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.system.campaign_up import CampaignUnderTest, copy_campaign
from tests.system.visitors import donate

pytestmark = pytest.mark.live

COMMAND = 'command = ["python3", "-m", "events"]'
SLEEPING = 'command = ["sh", "-c", "exec sleep 1000"]'
EVENTS = '[services.events]\nsource = "services/events"\n'
COPIED = 'pages = ["/", "/about"]'
"""Whose first copy, some time after `up`, would make a pointer of its own between two looks at all of them."""


@dataclass(frozen=True, kw_only=True)
class Opened:
    """A campaign, and what its `up` said."""

    system: CampaignUnderTest
    code: int
    words: str


@pytest.fixture(scope="module")
def opened() -> Iterator[Opened]:
    """Bring a campaign up whose `events` starts and never listens."""
    root = Path(tempfile.mkdtemp(prefix="handshake-test-"))
    system = copy_campaign(root)
    recipe, campaign = system.campaign / "services/events/service.toml", system.campaign / "handshake.toml"
    recipe.write_text(recipe.read_text().replace(COMMAND, SLEEPING))
    text = campaign.read_text()
    assert COPIED in text
    before, events, after = text.replace(COPIED, "pages = []").partition(EVENTS)
    campaign.write_text(before + events + after.replace("deadline_seconds = 30", "deadline_seconds = 5", 1))
    try:
        said = system.handshake("up", str(system.campaign), check=False)
        yield Opened(system=system, code=said.returncode, words=said.stderr)
    finally:
        if system.run.exists():
            system.handshake("down", "--purge", "--yes")
        shutil.rmtree(root, ignore_errors=True)


@pytest.fixture(scope="module")
def system(opened: Opened) -> CampaignUnderTest:
    """The campaign in which `events` never answers."""
    return opened.system


def test_up_says_which_service_never_answered_and_why(opened: Opened) -> None:
    """`up` fails with the one subject that did not arrive, and with what the last probe saw."""
    assert opened.code == 1
    assert "1 of 8 did not arrive" in opened.words
    assert "image/events: refused: trial failed" in opened.words
    assert "not ready within 5 s; last probe '[Errno 111] Connection refused'" in opened.words
    assert "Traceback" not in opened.words


def test_everything_else_serves(system: CampaignUnderTest) -> None:
    """Pages, sites and the other services are not touched by it."""
    assert [system.get(path).status for path in ("/", "/calls/", "/docs/", "/api/hamm/summary")] == [200] * 4
    assert system.get(f"/api/hamm/donations/{donate(system, 'Giver beside a silent service')}").status == 200


def test_status_explains_the_service(system: CampaignUnderTest) -> None:
    """`status events` says that the fleet is stuck, why, and what to do."""
    said = system.handshake("status", "events").stdout

    assert re.search(r"^events 0 .*stuck.*: image/events", said, re.MULTILINE | re.DOTALL)
    assert "promote another, or this one again; trial failed" in said


MISTAKES: dict[str, tuple[tuple[str, ...], int, str, str]] = {
    "no subject": (("promote", "calls", "d0"), 2, "'calls' is not a valid subject", "site/calls"),
    "unknown site": (("publish", "site/cals"), 2, "the campaign has no site/cals", "It has: site/calls"),
    "unknown release": (("promote", "site/calls", "ffff"), 2, "no release id starts with ffff", "publish"),
    "markup": (("promote", "site/calls", "[/x]"), 2, "no release id starts with [/x]", "publish"),
    "unknown switch": (
        ("edge", "switch", "set", "non_us_bann", "on", "--reason", "x"),
        *(2, "no switch non_us_bann", "Did you mean non_us_ban?"),
    ),
    "unknown list": (
        ("ban", "203.0.113.1", "--list", "wal", "--reason", "x"),
        *(2, "no list wal", "Did you mean wall?"),
    ),
    "no duration": (
        ("ban", "203.0.113.1", "--for", "5x", "--reason", "x"),
        *(2, "'5x' is not a valid duration", "write 90s, 10m, 2h or 7d"),
    ),
    "no address": (
        ("ban", "300.1.1.1", "--reason", "x"),
        *(2, "300.1.1.1", "For example: 203.0.113.7, 203.0.113.0/24 or 2001:db8::/48."),
    ),
    "protected": (
        ("ban", "127.0.0.0/8", "--reason", "x"),
        *(2, "which list wall protects", "protected"),
    ),
    "unknown program": (("logs", "gatway"), 2, "there is no program or instance named gatway", "gateway"),
    "unknown campaign": (("status", "--campaign", "nope"), 2, "no campaign nope is up", "handshake up"),
    "nothing to go back to": (("rollback", "site/calls"), 1, "never had another release", "Publish one"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_verb_refuses_bad_input_with_a_hint(system: CampaignUnderTest, mistake: str) -> None:
    """A verb says what is wrong with its arguments and what would be right, and changes nothing."""
    words, code, what, hint = MISTAKES[mistake]
    before = pointers(system)

    said = system.handshake(*words, check=False)

    assert said.returncode == code, said.stdout + said.stderr
    assert what in said.stderr
    assert hint in said.stderr
    assert "Traceback" not in said.stderr
    assert pointers(system) == before


def test_a_release_goes_to_a_pointer_of_its_kind_alone(system: CampaignUnderTest) -> None:
    """An image is refused by a site's pointer, and by the policy's; no pointer comes into being by a slip."""
    before = pointers(system)
    image, _ = before["image/hamm"]

    for words in (("promote", "site/calls", image), ("apply", image, "--from-revision", "1")):
        (problem,) = system.verb(*words, check=False)["problems"]
        assert problem["check"] == "release-of-another-kind"
    (problem,) = system.verb("promote", "image/ham", image, check=False)["problems"]
    assert problem["check"] == "unknown-subject"
    assert pointers(system) == before


def test_a_decision_on_an_old_revision_is_refused(system: CampaignUnderTest) -> None:
    """A promotion that was decided before somebody else moved the pointer moves nothing, and says who did."""
    before = pointers(system)
    release, revision = before["site/calls"]

    said = system.verb("promote", "site/calls", release, "--from-revision", str(revision + 6), check=False)

    assert said["error"]["kind"] == "conflict"
    assert f"site/calls is at revision {revision}, not {revision + 6}" in said["error"]["what"]
    assert pointers(system) == before


def test_a_mended_service_is_promoted_past_it(system: CampaignUnderTest) -> None:
    """The fleet that was stuck follows the next promotion, and visitors get their answers."""
    recipe = system.campaign / "services" / "events" / "service.toml"
    recipe.write_text(recipe.read_text().replace(SLEEPING, COMMAND))

    arrival = system.verb("publish", "image/events", "--promote")

    assert arrival["ending"] == "arrived"
    assert system.get("/api/events/events").status == 200


def pointers(system: CampaignUnderTest) -> dict[str, Any]:
    """Return every pointer's release and revision."""
    return {row["subject"]: (row["release"], row["revision"]) for row in system.verb("status")["subjects"]}
