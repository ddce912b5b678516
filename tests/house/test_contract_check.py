"""The contract check in a whole campaign: the examples pass it, and nothing that has not passed is promoted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.house.house import HouseUnderTest

pytestmark = pytest.mark.live

SUMMARY = "return JSONResponse(await donations.summarise())"
COUNTED = "visits.append(1); return JSONResponse({'count': len(visits)})"


@pytest.mark.parametrize("service", ["hamm", "events", "secretary"])
def test_the_example_services_keep_their_promises(house: HouseUnderTest, service: str) -> None:
    """Each example passes the contract check, and nothing of the check is left behind."""
    report = house.verb("shake", service)
    assert report["passed"], json.dumps(report, indent=1)
    assert report["service"] == service
    assert list((house.run / "contract-checks").iterdir()) == []


def test_an_unshaken_image_is_refused_unless_forced(house: HouseUnderTest) -> None:
    """A release that was never shaken is promoted by force alone, whose reason is kept; going back asks for nothing."""
    release = house.verb("publish", "image/hamm", str(changed(house, "unchecked")))["release"]

    refused = house.verb("promote", "image/hamm", release, check=False)["error"]
    assert refused["kind"] == "refused"
    assert "never shaken" in refused["what"]
    assert "handshake contract check" in refused["hint"]

    moved = house.verb("promote", "image/hamm", release, "--force", "the gala has begun")
    assert moved["ending"] == "arrived"
    assert "the gala has begun" in newest(house)["reason"]
    assert any("hamm" in note and "contract check" in note for note in house.verb("status")["notes"])
    assert house.verb("rollback", "image/hamm")["ending"] == "arrived"


def test_publishing_with_promotion_shakes_first(house: HouseUnderTest) -> None:
    """An image that breaks a promise is published and not promoted; the error names the promise."""
    source = changed(house, "remembering")
    app = source / "hamm" / "app.py"
    text = app.read_text()
    assert SUMMARY in text
    app.write_text(
        text.replace(SUMMARY, COUNTED).replace("\n\ndef build_hamm", "\nvisits = []\n\n\ndef build_hamm")
    )
    before = newest(house)

    refused = house.verb("publish", "image/hamm", str(source), "--promote", check=False)["error"]
    assert "likeness" in refused["what"]
    assert newest(house) == before

    report = house.verb("publish", "image/hamm", str(changed(house, "harmless")), "--promote")
    assert report["ending"] == "arrived"
    assert house.verb("shake", report["pointer"]["release"])["passed"]


def changed(house: HouseUnderTest, name: str) -> Path:
    """Return a copy of a service's source, beside it, that makes another release."""
    source = house.campaign / "services" / "hamm"
    copy = shutil.copytree(source, source.with_name(f"hamm-{name}"))
    (copy / "hamm" / "change.txt").write_text(name)
    return copy


def newest(house: HouseUnderTest) -> dict[str, Any]:
    """Return the pointer's value of now."""
    pointers: list[dict[str, Any]] = house.verb("history", "image/hamm")["pointers"]
    return pointers[0]
