"""The puzzle of a limit, solved by a browser."""

from __future__ import annotations

import pytest

from tests.browser.browsing import DESKTOP, browser_open, page_open
from tests.live.edges import run_edge
from tests.unit.edge.compiled import read_text

pytestmark = pytest.mark.live

POLICY = """
[[rule]]
name = "puzzle"
phase = "admit"
when = 'request.path == "/donate"'
limit = { requests = 0, seconds = 60, then = "challenge", status = 403 }
"""


def test_a_browser_solves_the_puzzle() -> None:
    """A visitor sees the puzzle for a moment, then the page, and keeps seeing the page."""
    with browser_open() as browser, run_edge(read_text(POLICY), (), "") as edge:
        edge.gateway.files["/donate"] = (200, {"Content-Type": "text/html"}, "<h1>Donate</h1>")
        with page_open(browser, DESKTOP) as (page, _):
            first = page.goto(f"http://127.0.0.1:{edge.port}/donate")
            assert first is not None
            assert first.status == 403
            page.get_by_role("heading", name="Donate").wait_for(timeout=60_000)
            again = page.goto(f"http://127.0.0.1:{edge.port}/donate")
            assert again is not None
            assert again.status == 200
