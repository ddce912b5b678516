"""Operating fleets: pause, abort, bundles, blue-green, canary and drift, with visitors and real programs."""

from __future__ import annotations

import json
import re
import shutil
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from redis import Redis
from redis.exceptions import AuthenticationError

from tests.system.campaign_up import CampaignUnderTest, system_up
from tests.system.visitors import visiting

pytestmark = pytest.mark.live

FORCE = ("--force", "not what this test is about")
SUMMARY, EVENTS = "/api/hamm/summary", "/api/events/events"


@pytest.fixture(scope="module")
def system() -> Iterator[CampaignUnderTest]:
    """Bring a campaign up in which hamm is replaced blue-green and events behind a canary."""
    with system_up(choose_strategies) as up:
        yield up


def choose_strategies(system: CampaignUnderTest) -> None:
    """Give two services a strategy of their own."""
    file = system.campaign / "handshake.toml"
    text = file.read_text()
    text = re.sub(r"(?<=\[services\.hamm\]\n)", 'strategy = "blue-green"\nkeep_warm_seconds = 60\n', text)
    canary = 'strategy = "canary"\ncanary_requests = 100\ncanary_seconds = 2\n'
    file.write_text(re.sub(r"(?<=\[services\.events\]\n)", canary, text))


def test_nothing_has_drifted_until_somebody_touches_a_tree(system: CampaignUnderTest) -> None:
    """A campaign at rest has no drift; one changed file of one tree is found, and is the only thing found."""
    assert system.verb("drift")["differences"] == []
    file = next((system.home / "data").rglob("trees/*/hamm/__main__.py"))
    before = file.read_bytes()
    file.chmod(0o644)
    file.write_bytes(before + b"# mended\n")
    file.chmod(0o444)
    try:
        report = system.verb("drift", check=False)
        assert [found["thing"].partition(" of ")[0] for found in report["differences"]] == [
            "file hamm/__main__.py"
        ]
        assert system.handshake("drift", check=False).returncode == 1
    finally:
        file.chmod(0o644)
        file.write_bytes(before)
        file.chmod(0o444)
    assert system.verb("drift")["differences"] == []


def test_a_pause_holds_a_rollout_and_an_abort_takes_it_back(system: CampaignUnderTest) -> None:
    """A paused fleet stays, with who and why in its sentence; an abort sends the pointer back without a visitor noticing."""
    before = instances_of(system, "secretary")
    system.verb("rollout", "pause", "secretary", "--reason", "the press is here")
    release = publish(system, "image/secretary", change(system, "secretary"))
    system.handshake("promote", "image/secretary", release, *FORCE, "--wait", "0", check=False)
    wait_for(lambda: fleet(system, "secretary")["stage"] == "paused")
    assert "the press is here" in fleet(system, "secretary")["sentence"]
    moved = system.verb("rollout", "abort", "secretary", "--reason", "not today")["pointers"]
    assert [pointer["reason"] for pointer in moved] == ["aborted: not today"]
    system.verb("rollout", "resume", "secretary")
    wait_for(lambda: fleet(system, "secretary")["stage"] == "settled")
    assert instances_of(system, "secretary") == before


def test_blue_green_goes_there_and_back_without_a_failed_request(system: CampaignUnderTest) -> None:
    """The way back launches nothing: the instances of before serve again, within seconds, and no visitor fails."""
    before = instances_of(system, "hamm")
    release = publish(system, "image/hamm", change(system, "hamm"))
    with visiting(system, SUMMARY) as visits:
        assert system.verb("promote", "image/hamm", release, *FORCE)["ending"] == "arrived"
        assert set(before) <= set(instances_of(system, "hamm"))
        back = system.verb("rollback", "image/hamm")
    assert back["ending"] == "arrived"
    assert back["seconds"] < 10
    serving = [each["instance"] for each in fleet(system, "hamm")["instances"] if each["phase"] == "run"]
    assert sorted(serving) == before
    assert visits.answered > 0
    assert visits.failed == []


def test_a_canary_that_fails_requests_goes_back(system: CampaignUnderTest) -> None:
    """An image that passes its health checks and fails one request in three is judged on what visitors got."""
    before = instances_of(system, "events")
    source = change(system, "events")
    spoil(source / "events" / "app.py")
    release = publish(system, "image/events", source)
    with visiting(system, EVENTS):
        arrival = json.loads(
            system.handshake("promote", "image/events", release, *FORCE, "--json", check=False).stdout
        )
    assert arrival["ending"] == "reverted", arrival
    assert "worse than its baseline" in arrival["why"]
    wait_for(lambda: len(instances_of(system, "events")) == len(before))


def test_a_rotated_secret_replaces_instances(system: CampaignUnderTest) -> None:
    """One verb: every instance that is given a store's password is replaced, the old one opens nothing, and no visitor fails."""
    before, others = instances_of(system, "secretary"), instances_of(system, "events")
    secret = system.home / "data" / "campaign" / "secrets" / "store-content"
    old, new = secret.read_text(), "content-of-today"
    with visiting(system, "/", "/donate") as visits:
        done = set_secret(system, "store-content", new)
    assert done["replaced"] == ["secretary"]
    assert not set(before) & set(instances_of(system, "secretary"))
    assert len(instances_of(system, "secretary")) == len(before)
    assert instances_of(system, "events") == others, "they are given nothing of that store"
    assert visits.answered > 0
    assert visits.failed == []
    with pytest.raises(AuthenticationError):
        store_with(system, old).ping()
    assert store_with(system, new).ping()
    configuration = system.home / "data" / "campaign" / "stores" / "content" / "redis.conf"
    wait_for(lambda: new in configuration.read_text(), 10)


def test_what_secrets_say_is_never_shown(system: CampaignUnderTest) -> None:
    """The list names secrets, their age and who is given them, for people and for programs."""
    rows = {row["name"]: row for row in system.verb("secret", "ls")}
    assert sorted(rows) == ["store-content", "store-ledger"]
    assert rows["store-content"]["given_to"] == ["secretary"]
    assert rows["store-ledger"]["given_to"] == ["events", "hamm"]
    said = system.handshake("secret", "ls").stdout + json.dumps(list(rows.values()))
    folder = system.home / "data" / "campaign" / "secrets"
    assert not [name for name in rows if (folder / name).read_text() in said]


def test_a_secret_that_takes_too_long_stands_back(system: CampaignUnderTest) -> None:
    """While a service is paused nobody is replaced; when the time is over the old secret stands, and opens the store."""
    secret = system.home / "data" / "campaign" / "secrets" / "store-content"
    old, before = secret.read_text(), instances_of(system, "secretary")
    system.verb("rollout", "pause", "secretary", "--reason", "not now")
    said = set_secret(system, "store-content", "another", "--wait", "1", check=False)
    system.verb("rollout", "resume", "secretary")

    assert "secretary was not replaced in time" in said["error"]["what"]
    assert secret.read_text() == old
    assert store_with(system, old).ping()
    with pytest.raises(AuthenticationError):
        store_with(system, "another").ping()
    wait_for(lambda: fleet(system, "secretary")["stage"] == "settled")
    assert instances_of(system, "secretary") == before


def test_a_bundle_goes_there_and_back(system: CampaignUnderTest) -> None:
    """A site and a service move as one intent, and are undone as one."""
    page = system.campaign / "sites" / "calls" / "src" / "index.html"
    page.write_text(page.read_text().replace("Names and numbers are invented.", "Nobody here is real."))
    site = system.verb("publish", "site/calls")["release"]
    image = publish(system, "image/secretary", change(system, "secretary"))
    items = (f"image/secretary={image}", f"site/calls={site}")
    done = system.verb("bundle", "promote", *items, "--reason", "the campaign", *FORCE)
    assert done["progress"]["state"] == "done"
    assert b"Nobody here is real." in system.get("/calls/").data
    undone = system.verb("bundle", "undo", done["bundle"]["id"], "--reason", "too early")
    assert undone["progress"]["state"] == "undone"
    assert b"Names and numbers are invented." in system.get("/calls/").data


def set_secret(
    system: CampaignUnderTest, name: str, value: str, *words: str, check: bool = True
) -> dict[str, Any]:
    """Set a secret as an operator would, through standard input; return what the verb printed."""
    verb = ("secret", "set", name, "--reason", "a test", *words)
    report: dict[str, Any] = json.loads(
        system.handshake(*verb, "--json", check=check, said=value + "\n").stdout
    )
    return report


def store_with(system: CampaignUnderTest, password: str) -> Redis:
    """Return a client of the store of pages that shows this password."""
    host, _, port = system.description["stores"]["content"].rpartition(":")
    return Redis(host=host, port=int(port), password=password)


def change(system: CampaignUnderTest, service: str) -> Path:
    """Copy a service's source beside itself, of another edition."""
    source = system.campaign / "services" / service
    target = source.with_name(f"{service}-{time.monotonic_ns()}")
    shutil.copytree(source, target)
    recipe = target / "service.toml"
    edition = f'[environment]\nEDITION = "{target.name}"\n'
    recipe.write_text(recipe.read_text().replace("[environment]\n", edition, 1))
    return target


def spoil(app: Path) -> None:
    """Let every third list of events be an error, which no health check asks for."""
    handler = "    async def list_events(request: Request) -> Response:\n"
    broken = "        if next(asked) % 3 == 0:\n            raise RuntimeError('the third')\n"
    text = app.read_text()
    assert handler in text
    app.write_text(
        text.replace("from dataclasses", "from itertools import count\nfrom dataclasses", 1)
        .replace("def build_events", "asked = count()\n\n\ndef build_events", 1)
        .replace(handler, handler + broken, 1)
    )


def publish(system: CampaignUnderTest, subject: str, source: Path) -> str:
    """Publish a source and return the release."""
    release: str = system.verb("publish", subject, str(source))["release"]
    return release


def fleet(system: CampaignUnderTest, service: str) -> dict[str, Any]:
    """Return a service's fleet as status shows it."""
    (found,) = (each for each in system.verb("status")["fleets"] if each["service"] == service)
    assert isinstance(found, dict)
    return found


def instances_of(system: CampaignUnderTest, service: str) -> list[str]:
    """Return the instances of a service."""
    return sorted(each["instance"] for each in fleet(system, service)["instances"])


def wait_for(is_so: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.3)
