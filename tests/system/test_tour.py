"""The tour, as `script/demo --once` goes it."""

import pytest

from tests.system.campaign_up import CampaignUnderTest

pytestmark = [pytest.mark.live, pytest.mark.timeout(600)]


def test_the_tour_reaches_every_box(system: CampaignUnderTest) -> None:
    """The tour visits every page, releases and rolls back each kind under load, bans, switches, and finds all well."""
    report = system.verb("drill", "tour", str(system.campaign), "--seconds", "5", "--rate", "40", seconds=500)
    names = [stop["name"] for stop in report["stops"]]

    assert report["is_good"], [stop for stop in report["stops"] if not stop["is_good"]]
    for kind in ("site", "templates", "image", "policy"):
        assert any(name.startswith(f"promote {kind}/") for name in names)
        assert any(name.startswith(f"roll back {kind}/") for name in names)
    assert {"ban 127.66.6.6", "switch non_us_ban on", "load through all of it", "ledger"} <= set(names)


def test_a_tour_that_finds_a_fault_fails(system: CampaignUnderTest) -> None:
    """Where a visitor's address is banned for good, the tour says so and exits with 1."""
    system.handshake("ban", "127.66.6.0/24", "--reason", "in the tour's way")
    try:
        run = system.handshake(
            "drill", "tour", str(system.campaign), "--seconds", "1", "--rate", "20", check=False, seconds=500
        )
    finally:
        system.handshake("unban", "127.66.6.0/24")

    assert run.returncode == 1
    assert "✗ let 127.66.6.6 in again" in run.stdout
