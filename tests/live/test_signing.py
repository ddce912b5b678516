"""A node launches only what a known key signed: an image without its signature goes back before a visitor meets it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from typing import Any

import pytest

from handshake.core.digest import Digest
from handshake.drivers.directory.store import DirectoryStore
from handshake.drivers.ed25519.scheme import Ed25519
from handshake.release.objects import signature_key, signature_prefix
from handshake.release.signature import signed_text
from tests.system.campaign_up import CampaignUnderTest, system_up

pytestmark = pytest.mark.live

IMAGE = "image/events"
FORCE = ("--force", "what is tried here is the node")
"""An image that no node would launch does not pass the contract check either."""


@pytest.fixture(scope="module")
def system() -> Iterator[CampaignUnderTest]:
    """A campaign that is up."""
    with system_up() as up:
        yield up


def test_an_image_whose_signature_is_gone_goes_back(system: CampaignUnderTest) -> None:
    """An image that lost its signature in every region is launched by no node: its pointer goes back and says why."""
    release = publish_changed(system, "unsigned")
    for store in regions(system):
        store.delete(list(store.keys(signature_prefix(release))))

    assert "has no signature" in promote_to_fail(system, release)


def test_an_image_that_a_stranger_signed_goes_back(system: CampaignUnderTest) -> None:
    """An image that only an unknown key signed is launched by no node: its pointer goes back and names that key."""
    release = publish_changed(system, "strange")
    stranger = Ed25519().make_pair()
    value = Ed25519().sign(stranger.private, signed_text(release))
    for store in regions(system):
        store.delete(list(store.keys(signature_prefix(release))))
        store.put(signature_key(release, stranger.id), value)

    assert f"key {stranger.id} is unknown here" in promote_to_fail(system, release)


def test_an_image_of_a_rotated_key_is_launched(system: CampaignUnderTest) -> None:
    """What the key of before signed arrives after a rotation; that key is kept while the live image needs it."""
    release = publish_changed(system, "rotated")
    system.verb("key", "rotate", "--reason", "yearly")

    assert system.verb("promote", IMAGE, release, *FORCE)["ending"] == "arrived"
    before, _ = system.verb("key", "ls")["keys"]
    said = system.handshake("key", "revoke", before["id"], "--reason", "it leaked", check=False)
    assert said.returncode == 1
    assert IMAGE in said.stderr


def publish_changed(system: CampaignUnderTest, name: str) -> Digest:
    """Publish a changed copy of the service, beside itself, where its recipe finds what it found before."""
    source = system.campaign / "services" / "events"
    changed = shutil.copytree(source, source.with_name(name))
    main = changed / "events" / "__main__.py"
    main.write_text(f"# {name}\n{main.read_text()}")
    return Digest(system.verb("publish", IMAGE, str(changed))["release"])


def promote_to_fail(system: CampaignUnderTest, release: Digest) -> str:
    """Promote a release that must go back, with the service answering all the while; return the reason."""
    said = system.handshake("promote", IMAGE, release, *FORCE, "--json", check=False)
    assert said.returncode == 1, said.stdout + said.stderr
    arrival: dict[str, Any] = json.loads(said.stdout)
    assert arrival["ending"] == "reverted"
    assert system.get("/api/events/events").status == 200
    why: str = arrival["why"]
    return why


def regions(system: CampaignUnderTest) -> list[DirectoryStore]:
    """Return every region's store."""
    folders = sorted((system.home / "data" / "campaign" / "regions").iterdir())
    return [DirectoryStore(folder, folder.name) for folder in folders]
