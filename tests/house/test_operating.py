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

from tests.house.house import HouseUnderTest, house_up
from tests.house.visitors import visiting

pytestmark = pytest.mark.live

FORCE = ("--force", "not what this test is about")
SUMMARY, EVENTS = "/api/hamm/summary", "/api/events/events"


@pytest.fixture(scope="module")
def house() -> Iterator[HouseUnderTest]:
    """Bring a campaign up in which hamm is replaced blue-green and events behind a canary."""
    with house_up(choose_strategies) as up:
        yield up


def choose_strategies(house: HouseUnderTest) -> None:
    """Give two services a strategy of their own."""
    file = house.campaign / "handshake.toml"
    text = file.read_text()
    text = re.sub(r"(?<=\[services\.hamm\]\n)", 'strategy = "blue-green"\nkeep_warm_seconds = 60\n', text)
    canary = 'strategy = "canary"\ncanary_requests = 100\ncanary_seconds = 2\n'
    file.write_text(re.sub(r"(?<=\[services\.events\]\n)", canary, text))


def test_nothing_has_drifted_until_somebody_touches_a_tree(house: HouseUnderTest) -> None:
    """A campaign at rest has no drift; one changed file of one tree is found, and is the only thing found."""
    assert house.verb("drift")["differences"] == []
    file = next((house.home / "data").rglob("trees/*/hamm/__main__.py"))
    before = file.read_bytes()
    file.chmod(0o644)
    file.write_bytes(before + b"# mended\n")
    file.chmod(0o444)
    try:
        report = house.verb("drift", check=False)
        assert [found["thing"].partition(" of ")[0] for found in report["differences"]] == [
            "file hamm/__main__.py"
        ]
        assert house.handshake("drift", check=False).returncode == 1
    finally:
        file.chmod(0o644)
        file.write_bytes(before)
        file.chmod(0o444)
    assert house.verb("drift")["differences"] == []


def test_a_pause_holds_a_rollout_and_an_abort_takes_it_back(house: HouseUnderTest) -> None:
    """A paused fleet stays, with who and why in its sentence; an abort sends the pointer back without a visitor noticing."""
    before = instances_of(house, "secretary")
    house.verb("rollout", "pause", "secretary", "--reason", "the press is here")
    release = publish(house, "image/secretary", change(house, "secretary"))
    house.handshake("promote", "image/secretary", release, *FORCE, "--wait", "0", check=False)
    wait_for(lambda: fleet(house, "secretary")["stage"] == "paused")
    assert "the press is here" in fleet(house, "secretary")["sentence"]
    moved = house.verb("rollout", "abort", "secretary", "--reason", "not today")["pointers"]
    assert [pointer["reason"] for pointer in moved] == ["aborted: not today"]
    house.verb("rollout", "resume", "secretary")
    wait_for(lambda: fleet(house, "secretary")["stage"] == "settled")
    assert instances_of(house, "secretary") == before


def test_blue_green_goes_there_and_back_without_a_failed_request(house: HouseUnderTest) -> None:
    """The way back launches nothing: the instances of before serve again, within seconds, and no visitor fails."""
    before = instances_of(house, "hamm")
    release = publish(house, "image/hamm", change(house, "hamm"))
    with visiting(house, SUMMARY) as visits:
        assert house.verb("promote", "image/hamm", release, *FORCE)["ending"] == "arrived"
        assert set(before) <= set(instances_of(house, "hamm"))
        back = house.verb("rollback", "image/hamm")
    assert back["ending"] == "arrived"
    assert back["seconds"] < 10
    serving = [each["instance"] for each in fleet(house, "hamm")["instances"] if each["phase"] == "run"]
    assert sorted(serving) == before
    assert visits.answered > 0
    assert visits.failed == []


def test_a_canary_that_fails_requests_goes_back(house: HouseUnderTest) -> None:
    """An image that passes its health checks and fails one request in three is judged on what visitors got."""
    before = instances_of(house, "events")
    source = change(house, "events")
    spoil(source / "events" / "app.py")
    release = publish(house, "image/events", source)
    with visiting(house, EVENTS):
        arrival = json.loads(
            house.handshake("promote", "image/events", release, *FORCE, "--json", check=False).stdout
        )
    assert arrival["ending"] == "reverted", arrival
    assert "worse than its baseline" in arrival["why"]
    wait_for(lambda: len(instances_of(house, "events")) == len(before))


def test_a_rotated_secret_replaces_instances(house: HouseUnderTest) -> None:
    """One verb: every instance that is given a store's password is replaced, the old one opens nothing, and no visitor fails."""
    before, others = instances_of(house, "secretary"), instances_of(house, "events")
    secret = house.home / "data" / "campaign" / "secrets" / "store-content"
    old, new = secret.read_text(), "content-of-today"
    with visiting(house, "/", "/donate") as visits:
        done = set_secret(house, "store-content", new)
    assert done["replaced"] == ["secretary"]
    assert not set(before) & set(instances_of(house, "secretary"))
    assert len(instances_of(house, "secretary")) == len(before)
    assert instances_of(house, "events") == others, "they are given nothing of that store"
    assert visits.answered > 0
    assert visits.failed == []
    with pytest.raises(AuthenticationError):
        store_with(house, old).ping()
    assert store_with(house, new).ping()
    configuration = house.home / "data" / "campaign" / "stores" / "content" / "redis.conf"
    wait_for(lambda: new in configuration.read_text(), 10)


def test_what_secrets_say_is_never_shown(house: HouseUnderTest) -> None:
    """The list names secrets, their age and who is given them, for people and for programs."""
    rows = {row["name"]: row for row in house.verb("secret", "ls")}
    assert sorted(rows) == ["store-content", "store-ledger"]
    assert rows["store-content"]["given_to"] == ["secretary"]
    assert rows["store-ledger"]["given_to"] == ["events", "hamm"]
    said = house.handshake("secret", "ls").stdout + json.dumps(list(rows.values()))
    folder = house.home / "data" / "campaign" / "secrets"
    assert not [name for name in rows if (folder / name).read_text() in said]


def test_a_secret_that_takes_too_long_stands_back(house: HouseUnderTest) -> None:
    """While a service is paused nobody is replaced; when the time is over the old secret stands, and opens the store."""
    secret = house.home / "data" / "campaign" / "secrets" / "store-content"
    old, before = secret.read_text(), instances_of(house, "secretary")
    house.verb("rollout", "pause", "secretary", "--reason", "not now")
    said = set_secret(house, "store-content", "another", "--wait", "1", check=False)
    house.verb("rollout", "resume", "secretary")

    assert "secretary was not replaced in time" in said["error"]["what"]
    assert secret.read_text() == old
    assert store_with(house, old).ping()
    with pytest.raises(AuthenticationError):
        store_with(house, "another").ping()
    wait_for(lambda: fleet(house, "secretary")["stage"] == "settled")
    assert instances_of(house, "secretary") == before


def test_a_bundle_goes_there_and_back(house: HouseUnderTest) -> None:
    """A site and a service move as one intent, and are undone as one."""
    page = house.campaign / "sites" / "calls" / "src" / "index.html"
    page.write_text(page.read_text().replace("Names and numbers are invented.", "Nobody here is real."))
    site = house.verb("publish", "site/calls")["release"]
    image = publish(house, "image/secretary", change(house, "secretary"))
    items = (f"image/secretary={image}", f"site/calls={site}")
    done = house.verb("bundle", "promote", *items, "--reason", "the campaign", *FORCE)
    assert done["progress"]["state"] == "done"
    assert b"Nobody here is real." in house.get("/calls/").data
    undone = house.verb("bundle", "undo", done["bundle"]["id"], "--reason", "too early")
    assert undone["progress"]["state"] == "undone"
    assert b"Names and numbers are invented." in house.get("/calls/").data


def set_secret(
    house: HouseUnderTest, name: str, value: str, *words: str, check: bool = True
) -> dict[str, Any]:
    """Set a secret as an operator would, through standard input; return what the verb printed."""
    verb = ("secret", "set", name, "--reason", "a test", *words)
    report: dict[str, Any] = json.loads(
        house.handshake(*verb, "--json", check=check, said=value + "\n").stdout
    )
    return report


def store_with(house: HouseUnderTest, password: str) -> Redis:
    """Return a client of the store of pages that shows this password."""
    host, _, port = house.description["stores"]["content"].rpartition(":")
    return Redis(host=host, port=int(port), password=password)


def change(house: HouseUnderTest, service: str) -> Path:
    """Copy a service's source beside itself, of another edition."""
    source = house.campaign / "services" / service
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


def publish(house: HouseUnderTest, subject: str, source: Path) -> str:
    """Publish a source and return the release."""
    release: str = house.verb("publish", subject, str(source))["release"]
    return release


def fleet(house: HouseUnderTest, service: str) -> dict[str, Any]:
    """Return a service's fleet as status shows it."""
    (found,) = (each for each in house.verb("status")["fleets"] if each["service"] == service)
    assert isinstance(found, dict)
    return found


def instances_of(house: HouseUnderTest, service: str) -> list[str]:
    """Return the instances of a service."""
    return sorted(each["instance"] for each in fleet(house, service)["instances"])


def wait_for(is_so: Callable[[], bool], seconds: float = 30.0) -> None:
    """Wait until something is so."""
    deadline = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < deadline, "it did not come to that"
        time.sleep(0.3)
