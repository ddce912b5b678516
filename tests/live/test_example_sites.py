"""The example sites at their mounts, in a real browser."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from functools import partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from shutil import copytree, ignore_patterns

import pytest
from playwright.sync_api import Browser, Page, Request, expect, sync_playwright

pytestmark = pytest.mark.live

REPOSITORY = Path(__file__).parents[2]
SITES = ["calls", "docs", "api-explorer"]
CHROMIUM = "/usr/bin/chromium"
QUIET = [
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
]


class QuietHandler(SimpleHTTPRequestHandler):
    """Serve files without a line for each."""

    def log_message(self, *_words: object) -> None:
        """Say nothing."""


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Build the sites and lay them out as the edge shows them."""
    repository = tmp_path_factory.mktemp("repository")
    sites = repository / "examples/campaign/sites"
    copytree(REPOSITORY / "examples/campaign/sites", sites, ignore=ignore_patterns("dist", "__pycache__"))
    copytree(REPOSITORY / "docs", repository / "docs")
    root = tmp_path_factory.mktemp("root")
    for site in SITES:
        subprocess.run([sys.executable, "build.py"], cwd=sites / site, check=True)
        copytree(sites / site / "dist", root / site)
    (root / "api").mkdir()
    description = REPOSITORY / "examples/campaign/services/hamm/openapi.json"
    (root / "api/openapi.json").write_bytes(description.read_bytes())
    return root


@pytest.fixture(scope="module")
def address(root: Path) -> Iterator[str]:
    with ThreadingHTTPServer(("127.0.0.1", 0), partial(QuietHandler, directory=str(root))) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()
        thread.join()


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=QUIET)
        yield browser
        browser.close()


@pytest.fixture
def complaints() -> list[str]:
    """What the browser complained of, and what it fetched from elsewhere."""
    return []


@pytest.fixture(params=[(1280, 800), (390, 844)], ids=["desk", "phone"])
def page(
    request: pytest.FixtureRequest, browser: Browser, address: str, complaints: list[str]
) -> Iterator[Page]:
    width, height = request.param
    context = browser.new_context(viewport={"width": width, "height": height}, base_url=address)
    context.set_default_timeout(10_000)
    page = context.new_page()

    def watch(request: Request) -> None:
        if not request.url.startswith((address, "data:")):
            complaints.append(f"fetched {request.url}")

    page.on("console", lambda message: complaints.append(message.text))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.on("request", watch)
    yield page
    context.close()


@pytest.mark.parametrize("site", SITES)
def test_no_complaint(page: Page, complaints: list[str], site: str) -> None:
    """A site loads without a word on the console, from nowhere else, and no wider than the window."""
    page.goto(f"/{site}/", wait_until="networkidle")
    assert complaints == []
    assert page.evaluate("document.documentElement.scrollWidth <= innerWidth")


def test_call_after_call(page: Page, complaints: list[str]) -> None:
    """An outcome leads to the next voter, is remembered over a reload, and can be taken back."""
    page.goto("/calls/")
    page.fill("#caller", "Sam")
    expect(page.locator("#voter")).not_to_be_empty()
    first = page.inner_text("#voter")
    assert f"“Hi, is this {first.split()[0]}? My name is Sam" in page.inner_text("#script")
    page.get_by_role("button", name="With us", exact=True).click()
    second = page.inner_text("#voter")
    assert second != first
    page.reload()
    expect(page.locator("#voter")).to_have_text(second)
    expect(page.locator("#done")).to_have_text("1")
    page.click("#history summary")
    page.click("#take-back")
    assert page.inner_text("#voter") == first
    assert complaints == []


def test_call_list_ends(page: Page, root: Path) -> None:
    """Who did not answer comes back at the end; when all have an answer, the list is done."""
    [voters] = (root / "calls/assets").glob("voters.*.json")
    names = [voter["name"] for voter in json.loads(voters.read_text(encoding="utf-8"))]
    page.goto("/calls/")
    expect(page.locator("#voter")).not_to_be_empty()
    page.keyboard.press("5")
    for _ in names[1:]:
        page.keyboard.press("1")
    assert page.inner_text("#voter") == names[0]
    page.keyboard.press("8")
    assert page.is_visible("#finish")
    assert page.inner_text("#done") == str(len(names))


def test_explorer_shows_operations(page: Page, complaints: list[str]) -> None:
    """The explorer shows the described operations, and opens one with its fields."""
    page.goto("/api-explorer/")
    page.locator("#operations-hamm-donate").get_by_text("Give").click()
    page.get_by_placeholder("Idempotency-Key").wait_for()
    page.get_by_role("button", name="Execute").wait_for()
    assert complaints == []


def test_docs_search(page: Page, complaints: list[str]) -> None:
    """The documentation's own search finds a page under its pretty address."""
    page.goto("/docs/search/?q=idempotency")
    page.locator("#search-results a").first.click()
    page.wait_for_url(lambda url: "/search/" not in url)
    assert page.locator("h1").is_visible()
    assert complaints == []
