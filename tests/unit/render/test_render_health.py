"""Health: when an instance may have traffic."""

from __future__ import annotations

import asyncio
from pathlib import Path

from handshake.core.digest import digest_bytes
from handshake.core.errors import UnavailableError
from handshake.renderer.content import PAUSE_SECONDS, CircuitBreaker
from handshake.renderer.health import LOOK_SECONDS, RenderStatus, Report, TemplateHealth
from handshake.renderer.renderer import Renderer
from handshake.renderer.templates import load_templates
from tests.support.clock import FakeClock
from tests.unit.render.releases import MemoryContent, write_release


def build_health(folder: Path, content: MemoryContent, clock: FakeClock, **changes: str) -> TemplateHealth:
    files = {f"{name}.html": text for name, text in changes.items()}
    templates = load_templates(write_release(folder, files))
    renderer = Renderer(templates, content)
    return TemplateHealth(release=digest_bytes(b""), pages=templates.pages, renderer=renderer, clock=clock)


def look(health: TemplateHealth, clock: FakeClock) -> Report:
    clock.advance(LOOK_SECONDS)
    return asyncio.run(health.report())


def test_an_instance_that_renders_is_well(tmp_path: Path) -> None:
    """An instance whose pages render is ok."""
    clock = FakeClock()
    health = build_health(tmp_path, MemoryContent(home={"title": "Hello"}), clock)
    assert look(health, clock).status is RenderStatus.OK


def test_a_release_that_cannot_render_never_becomes_ready(tmp_path: Path) -> None:
    """A template release whose page fails keeps its instance out of traffic, and says where it fails."""
    clock = FakeClock()
    content = MemoryContent(home={"title": "Hello"})
    health = build_health(tmp_path, content, clock, home="{% include 'layout.html' %}{{ page.title / 2 }}")
    report = look(health, clock)
    assert report.status is RenderStatus.UNAVAILABLE
    assert report.reasons["/"].startswith("home.html:1: TypeError")


def test_a_store_that_is_down_at_the_start_delays_readiness(tmp_path: Path) -> None:
    """An instance that has never had content is unavailable until it has."""
    clock = FakeClock()
    content = MemoryContent(home={"title": "Hello"})
    content.reachable = False
    health = build_health(tmp_path, content, clock)
    assert look(health, clock).status is RenderStatus.UNAVAILABLE
    content.reachable = True
    assert look(health, clock).status is RenderStatus.OK


def test_a_ready_instance_outlives_its_content(tmp_path: Path) -> None:
    """Neither a lost store nor a broken document takes a ready instance out of traffic."""
    clock = FakeClock()
    content = MemoryContent(home={"title": "Hello"})
    health = build_health(tmp_path, content, clock)
    look(health, clock)
    content.reachable = False
    assert look(health, clock).status is RenderStatus.DEGRADED
    content.reachable = True
    content.documents["page:home"] = {}
    assert look(health, clock).status is RenderStatus.DEGRADED


def test_a_removed_page_is_no_illness(tmp_path: Path) -> None:
    """A page without content is an editor's decision: the instance is ok."""
    clock = FakeClock()
    health = build_health(tmp_path, MemoryContent(), clock)
    assert look(health, clock).status is RenderStatus.OK


def test_many_questions_cost_one_look(tmp_path: Path) -> None:
    """Within a second, health is answered without asking the store again."""
    clock = FakeClock()
    content = MemoryContent(home={"title": "Hello"})
    health = build_health(tmp_path, content, clock)
    look(health, clock)
    asyncio.run(health.report())
    assert content.readings == 1


def test_a_failing_store_is_left_alone_for_a_moment() -> None:
    """After a failure, visitors get the same failure at once until the pause is over."""
    clock = FakeClock()
    content = MemoryContent()
    content.reachable = False
    source = CircuitBreaker(content, clock)

    def fails() -> bool:
        try:
            asyncio.run(source.read(frozenset({"page:home"})))
        except UnavailableError:
            return True
        return False

    assert fails()
    content.reachable = True
    assert fails()
    clock.advance(PAUSE_SECONDS)
    assert not fails()
    assert content.readings == 2
