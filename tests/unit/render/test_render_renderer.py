"""Pages from live content, and from what is held when there is none."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest

from handshake.renderer.page import Page
from handshake.renderer.renderer import HELD_PAGES, PageResponse, Renderer, RenderOutcome
from handshake.renderer.templates import Templates, load_templates
from tests.unit.render.releases import SETTINGS, MemoryContent, write_release


@pytest.fixture
def templates(tmp_path: Path) -> Templates:
    return load_templates(write_release(tmp_path))


@pytest.fixture
def content() -> MemoryContent:
    return MemoryContent(home={"title": "Hello"})


def ask(renderer: Renderer, page: Page, **parameters: str) -> PageResponse:
    return asyncio.run(renderer.answer(page, parameters))


def html(answer: PageResponse) -> bytes:
    assert answer.rendering
    return answer.rendering.html


def test_a_page_follows_its_content(templates: Templates, content: MemoryContent) -> None:
    """A change of content is seen by the next visitor."""
    renderer = Renderer(templates, content)
    first = ask(renderer, templates.pages[0])
    content.documents["page:home"] = {"title": "Goodbye"}
    second = ask(renderer, templates.pages[0])
    assert (first.finding, second.finding) == (RenderOutcome.LIVE, RenderOutcome.LIVE)
    assert b"Hello" in html(first)
    assert b"Goodbye" in html(second)


def test_a_lost_store_leaves_the_last_page(templates: Templates, content: MemoryContent) -> None:
    """Without its store a page stays as it was, and says that it is stale."""
    renderer = Renderer(templates, content)
    live = ask(renderer, templates.pages[0])
    content.reachable = False
    stale = ask(renderer, templates.pages[0])
    assert stale.finding is RenderOutcome.STALE
    assert stale.rendering == live.rendering


def test_a_lost_store_without_a_held_page_fails(templates: Templates, content: MemoryContent) -> None:
    """A page that was never rendered cannot be served without the store."""
    content.reachable = False
    answer = ask(Renderer(templates, content), templates.pages[0])
    assert (answer.finding, answer.rendering) == (RenderOutcome.FAILED, None)
    assert "does not answer" in answer.reason


@pytest.mark.parametrize("spoiled", [{}, {"broken": True}])
def test_content_that_cannot_be_shown_leaves_the_last_page(
    templates: Templates, content: MemoryContent, spoiled: dict[str, bool]
) -> None:
    """An editor's mistake leaves the page as it was before it."""
    renderer = Renderer(templates, content)
    ask(renderer, templates.pages[0])
    content.documents["page:home"] = dict(spoiled)
    answer = ask(renderer, templates.pages[0])
    assert answer.finding is RenderOutcome.STALE
    assert b"Hello" in html(answer)


def test_removed_content_removes_the_page(templates: Templates, content: MemoryContent) -> None:
    """A page whose content an editor removed is absent, even when the store is lost afterwards."""
    renderer = Renderer(templates, content)
    ask(renderer, templates.pages[0])
    content.documents.clear()
    assert ask(renderer, templates.pages[0]).finding is RenderOutcome.ABSENT
    content.reachable = False
    assert ask(renderer, templates.pages[0]).finding is RenderOutcome.FAILED


def test_a_parameter_chooses_the_content(templates: Templates) -> None:
    """Pages of one pattern each have their own document, and are held apart."""
    content = MemoryContent(**{"news:rally": {"title": "Rally"}, "news:bus": {"title": "Bus"}})
    renderer = Renderer(templates, content)
    ask(renderer, templates.pages[1], story="rally")
    ask(renderer, templates.pages[1], story="bus")
    content.reachable = False
    assert html(ask(renderer, templates.pages[1], story="rally")) == b"Rally at rally"
    assert html(ask(renderer, templates.pages[1], story="bus")) == b"Bus at bus"
    assert ask(renderer, templates.pages[1], story="none").finding is RenderOutcome.FAILED


def test_the_page_asked_for_longest_ago_is_let_go(templates: Templates) -> None:
    """What is held has a bound, and what visitors still ask for stays within it."""
    stories = [str(number) for number in range(HELD_PAGES)]
    content = MemoryContent(**{f"news:{story}": {"title": story} for story in [*stories, "last"]})
    renderer = Renderer(templates, content)
    for story in [*stories, "0", "last"]:
        ask(renderer, templates.pages[1], story=story)
    content.reachable = False
    findings = [ask(renderer, templates.pages[1], story=story).finding for story in ("0", "1", "2")]
    assert findings == [RenderOutcome.STALE, RenderOutcome.FAILED, RenderOutcome.STALE]


def test_two_patterns_of_one_path_are_held_apart(tmp_path: Path) -> None:
    """A page never falls back to what another page's template made for the same path."""
    changes = {"templates.toml": SETTINGS.replace('"/news/{story}"', '"/{story}"').replace('"/"', '"/a"')}
    templates = load_templates(write_release(tmp_path / "other", changes))
    content = MemoryContent(**{"home": {"title": "Home"}, "news:a": {"title": "Story"}})
    renderer = Renderer(templates, content)
    ask(renderer, templates.pages[0])
    content.reachable = False
    assert ask(renderer, templates.pages[1], story="a").finding is RenderOutcome.FAILED
