"""Every promise has its page, and no page speaks of a promise that is not made."""

from __future__ import annotations

from pathlib import Path

import pytest

from handshake.image.contract_check.promises import PROMISES, Promise

ROOT = Path(__file__).parents[3]


def test_pages_and_promises_are_the_same() -> None:
    """The folder of pages has one for each promise, and no other."""
    pages = {page.stem for page in (ROOT / "docs" / "promises").glob("*.md")}
    assert pages == {promise.name for promise in PROMISES}


@pytest.mark.parametrize("promise", PROMISES, ids=lambda promise: promise.name)
def test_a_page_says_what_is_promised(promise: Promise) -> None:
    """A page begins with the promise's sentence, and names the service that breaks it."""
    text = (ROOT / "docs" / "promises" / f"{promise.name}.md").read_text(encoding="utf-8")
    assert text.startswith(f"# {promise.name}\n\nThe service **{promise.sentence}**.\n")
    assert f"`tests/services/{promise.name}`" in text
    assert (ROOT / "tests" / "services" / promise.name / "service.toml").exists()
