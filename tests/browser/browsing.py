"""A real browser, and everything that went wrong in one of its pages."""

from __future__ import annotations

import os
import urllib.parse
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, ViewportSize, sync_playwright

CHROMIUM = Path("/usr/bin/chromium")
DESKTOP: ViewportSize = {"width": 1280, "height": 900}
PHONE: ViewportSize = {"width": 390, "height": 844}
_QUIET = (
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
)
_WITHOUT_HOST = {"data", "blob", "about"}


@dataclass(frozen=True, kw_only=True)
class Seen:
    """What a page asked for, and what it complained about."""

    hosts: set[str] = field(default_factory=set)
    faults: list[str] = field(default_factory=list)


@contextmanager
def browser_open() -> Iterator[Browser]:
    """Start Debian's Chromium without a window; skips where it is not installed, but never in CI."""
    if not CHROMIUM.exists() and os.environ.get("CI") != "true":
        pytest.skip(f"{CHROMIUM} is missing: sudo apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=_QUIET)
        yield browser
        browser.close()


@contextmanager
def page_open(browser: Browser, size: ViewportSize) -> Iterator[tuple[Page, Seen]]:
    """Open an empty page, and note all that it does from then on."""
    context = browser.new_context(viewport=size)
    page = context.new_page()
    seen = Seen()
    _listen(page, seen)
    yield page, seen
    context.close()


def overflow(page: Page) -> int:
    """Return by how many pixels the page is wider than its window."""
    wider: int = page.evaluate("document.documentElement.scrollWidth - document.documentElement.clientWidth")
    return wider


def _listen(page: Page, seen: Seen) -> None:
    page.on("console", lambda said: seen.faults.append(said.text) if said.type == "error" else None)
    page.on("pageerror", lambda error: seen.faults.append(str(error)))
    page.on("requestfailed", lambda request: seen.faults.append(f"{request.url}: {request.failure}"))
    page.on("request", lambda request: seen.hosts.update(_host(request.url)))
    page.on("response", lambda answer: seen.faults.extend(_refused(answer.url, answer.status)))


def _host(url: str) -> tuple[str, ...]:
    parts = urllib.parse.urlsplit(url)
    return () if parts.scheme in _WITHOUT_HOST else (parts.netloc,)


def _refused(url: str, status: int) -> tuple[str, ...]:
    return (f"{url}: {status}",) if status >= 400 else ()
