"""The freeze calendar as operators write it: what it means, and what is wrong with it."""

from __future__ import annotations

import pytest

from handshake.campaign.settings import CampaignSettings
from handshake.config.reader import parse_settings
from handshake.core.problem import ProblemsError
from handshake.fleet.engine.freeze import DateWindow, WeeklyWindow

HEAD = 'name = "system"\n[regions.east]\nlisten = "127.0.0.1:8101"\n[freeze]\n'


def test_windows_are_read() -> None:
    """A calendar holds its windows of the week and its days, in its zone."""
    text = 'zone = "Europe/Berlin"\nweekly = ["fri 16:00 - mon 08:00"]\ndates = ["2026-12-23 - 2027-01-02"]\n'
    calendar = parse_settings(CampaignSettings, HEAD + text, shown_as="t").model.freeze.calendar()
    weekly, dates = calendar.windows
    assert calendar.zone == "Europe/Berlin"
    assert weekly == WeeklyWindow(begin=(4 * 24 + 16) * 60, end=8 * 60)
    assert isinstance(dates, DateWindow)
    assert (str(dates.first), str(dates.last)) == ("2026-12-23", "2027-01-02")


def test_every_mistake_is_told_with_its_place() -> None:
    """A zone, a window and a range that mean nothing are three problems, each with its line."""
    text = 'zone = "Mars/Olympus"\nweekly = ["friday"]\ndates = ["2027-01-02 - 2026-12-23"]\n'
    with pytest.raises(ProblemsError) as caught:
        parse_settings(CampaignSettings, HEAD + text, shown_as="handshake.toml")
    told = [(problem.check, problem.where.line) for problem in caught.value.problems]
    assert told == [("bad-value", 5), ("bad-value", 6), ("bad-value", 7)]
    assert "write fri 16:00 - mon 08:00" in caught.value.problems[1].what


def test_a_campaign_without_a_calendar_freezes_nothing() -> None:
    """Where nobody wrote a window there is none."""
    text = 'name = "system"\n[regions.east]\nlisten = "127.0.0.1:8101"\n'
    assert parse_settings(CampaignSettings, text, shown_as="t").model.freeze.calendar().windows == ()
