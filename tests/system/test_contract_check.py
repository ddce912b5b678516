"""The contract check in a whole campaign: the examples pass it, and nothing that has not passed is promoted."""

from __future__ import annotations

import json
import shutil
from pathlib import Path
from typing import Any

import pytest

from tests.system.campaign_up import CampaignUnderTest

pytestmark = pytest.mark.live

SUMMARY = "return JSONResponse(await donations.summarise())"
COUNTED = "visits.append(1); return JSONResponse({'count': len(visits)})"


@pytest.mark.parametrize("service", ["hamm", "events", "secretary"])
def test_the_example_services_keep_their_promises(system: CampaignUnderTest, service: str) -> None:
    """Each example passes the contract check, and nothing of the check is left behind."""
    report = system.verb("contract", "check", service)
    assert report["passed"], json.dumps(report, indent=1)
    assert report["service"] == service
    assert list((system.run / "contract-checks").iterdir()) == []


def test_an_unchecked_image_is_refused_unless_forced(system: CampaignUnderTest) -> None:
    """A release that was has not been through the contract check is promoted by force alone, whose reason is kept; going back asks for nothing."""
    release = system.verb("publish", "image/hamm", str(changed(system, "unchecked")))["release"]

    refused = system.verb("promote", "image/hamm", release, check=False)["error"]
    assert refused["kind"] == "refused"
    assert "has not been through the contract check" in refused["what"]
    assert "handshake contract check" in refused["hint"]

    moved = system.verb("promote", "image/hamm", release, "--force", "the gala has begun")
    assert moved["ending"] == "arrived"
    assert "the gala has begun" in newest(system)["reason"]
    assert any("hamm" in note and "contract check" in note for note in system.verb("status")["notes"])
    assert system.verb("rollback", "image/hamm")["ending"] == "arrived"


def test_publishing_with_promotion_checks_the_contract_first(system: CampaignUnderTest) -> None:
    """An image that breaks a promise is published and not promoted; the error names the promise."""
    source = changed(system, "remembering")
    app = source / "hamm" / "app.py"
    text = app.read_text()
    assert SUMMARY in text
    app.write_text(
        text.replace(SUMMARY, COUNTED).replace("\n\ndef build_hamm", "\nvisits = []\n\n\ndef build_hamm")
    )
    before = newest(system)

    refused = system.verb("publish", "image/hamm", str(source), "--promote", check=False)["error"]
    assert "likeness" in refused["what"]
    assert newest(system) == before

    report = system.verb("publish", "image/hamm", str(changed(system, "harmless")), "--promote")
    assert report["ending"] == "arrived"
    assert system.verb("contract", "check", report["pointer"]["release"])["passed"]


def changed(system: CampaignUnderTest, name: str) -> Path:
    """Return a copy of a service's source, beside it, that makes another release."""
    source = system.campaign / "services" / "hamm"
    copy = shutil.copytree(source, source.with_name(f"hamm-{name}"))
    (copy / "hamm" / "change.txt").write_text(name)
    return copy


def newest(system: CampaignUnderTest) -> dict[str, Any]:
    """Return the pointer's value of now."""
    pointers: list[dict[str, Any]] = system.verb("history", "image/hamm")["pointers"]
    return pointers[0]
