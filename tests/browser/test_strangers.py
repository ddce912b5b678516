"""Front ends that nobody here wrote are published as they are, and work in a real browser."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, expect

from tests.browser.browsing import DESKTOP, browser_open, page_open
from tests.browser.strangers import STRANGERS, Stranger, add_strangers
from tests.system.campaign_up import CampaignUnderTest, system_up

pytestmark = pytest.mark.live


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start one browser for all tests."""
    with browser_open() as opened:
        yield opened


@pytest.fixture(scope="module")
def system() -> Iterator[CampaignUnderTest]:
    """Bring a campaign up that has every stranger among its sites."""
    with system_up(add_strangers) as up:
        yield up


@pytest.mark.parametrize("stranger", STRANGERS, ids=lambda stranger: stranger.name)
def test_a_stranger_runs(browser: Browser, system: CampaignUnderTest, stranger: Stranger) -> None:
    """It starts, shows what it is there for, and every file that it asks the edge for is there."""
    with page_open(browser, DESKTOP) as (page, seen):
        asked: list[str] = []
        page.on("requestfinished", lambda request: asked.append(request.url))
        page.goto(f"http://{system.ingress}/{stranger.name}/", wait_until="load")
        expect(page.locator(stranger.shows).first).to_be_visible(timeout=20_000)
        page.wait_for_load_state("networkidle")
        mount = f"http://{system.ingress}/{stranger.name}/"
        assert len([url for url in asked if url.startswith(mount)]) >= stranger.fewest_files
        assert not [fault for fault in seen.faults if mount in fault]
