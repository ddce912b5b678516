"""The campaign as people see it: in a browser, on a desk and on a phone."""

from __future__ import annotations

import json
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, ViewportSize

from tests.browser.browsing import DESKTOP, PHONE, browser_open, overflow, page_open
from tests.system.campaign_up import CampaignUnderTest

pytestmark = pytest.mark.live

PAGES = ("/", "/donate", "/philadelphia", "/about", "/calls/", "/docs/", "/api-explorer/")
SIZES = (pytest.param(DESKTOP, id="desktop"), pytest.param(PHONE, id="phone"))


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """Start one browser for all tests; it comes before the campaign, which nobody needs where it is missing."""
    with browser_open() as opened:
        yield opened


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("path", PAGES)
def test_a_page_loads_whole(
    browser: Browser, system: CampaignUnderTest, path: str, size: ViewportSize
) -> None:
    """A page loads without an error, asks no other host for anything, and fits into its window."""
    with page_open(browser, size) as (page, seen):
        answer = page.goto(f"http://{system.ingress}{path}", wait_until="networkidle")

        assert answer is not None
        assert answer.status == 200
        assert seen.faults == []
        assert seen.hosts == {system.ingress}
        assert page.locator("h1, h2").first.is_visible()
        assert overflow(page) <= 0


@pytest.mark.parametrize("size", SIZES)
def test_the_dashboard_shows_every_pointer(
    browser: Browser, system: CampaignUnderTest, size: ViewportSize
) -> None:
    """The dashboard loads without an error, and names every subject that status names."""
    dashboard: str = system.description["dashboard"]
    with page_open(browser, size) as (page, seen):
        # It keeps a stream open for what changes, so its network is never idle.
        page.goto(f"http://{dashboard}/", wait_until="load")

        for row in system.verb("status")["subjects"]:
            page.get_by_text(row["subject"]).first.wait_for()
        assert seen.faults == []
        assert seen.hosts == {dashboard}
        assert overflow(page) <= 0


def test_a_visitor_donates(browser: Browser, system: CampaignUnderTest) -> None:
    """A donation made with the form is confirmed with its id, and the API finds it by that id."""
    with page_open(browser, PHONE) as (page, seen):
        page.goto(f"http://{system.ingress}/donate", wait_until="networkidle")
        page.fill("input[name=amount]", "27")
        page.fill("input[name=name]", "Ada Visitor")
        page.fill("input[name=email]", "ada@example.org")
        page.click("#donation [type=submit]")
        page.locator("#donation-id").wait_for()
        donation = page.locator("#donation-id").inner_text()

        assert "Thank you, Ada Visitor" in page.locator("#donation-result").inner_text()
        assert seen.faults == []
    answer = system.get(f"/api/hamm/donations/{donation}")
    assert answer.status == 200
    assert json.loads(answer.data)["amount_cents"] == 2700


def test_the_api_explorer_shows_every_operation(browser: Browser, system: CampaignUnderTest) -> None:
    """The explorer shows each operation of the gateway's own description."""
    described = json.loads(system.get("/api/openapi.json").data)["paths"]
    with page_open(browser, DESKTOP) as (page, _):
        page.goto(f"http://{system.ingress}/api-explorer/", wait_until="networkidle")
        page.locator(".opblock").first.wait_for()

        assert page.locator(".opblock").count() == sum(len(operations) for operations in described.values())
