"""What a template release must be before it is published or served."""

from __future__ import annotations

from pathlib import Path

import pytest

from handshake.core.problem import ProblemsError
from handshake.renderer.templates import RenderError, check_templates, load_templates
from tests.unit.render.releases import SETTINGS, write_release

EXAMPLE = Path(__file__).parents[3] / "examples/campaign/templates/secretary"


def test_the_example_has_no_problem() -> None:
    """The example campaign's template release passes every check."""
    assert check_templates(EXAMPLE) == []


def test_a_good_release_has_no_problem(tmp_path: Path) -> None:
    """The release that the other tests spoil passes every check."""
    assert check_templates(write_release(tmp_path)) == []


@pytest.mark.parametrize(
    ("check", "where", "changes"),
    [
        ("missing-file", "templates.toml", {"templates.toml": None}),
        ("missing-key", "templates.toml", {"templates.toml": SETTINGS.replace("error_page", "# error_page")}),
        ("unknown-key", "templates.toml:3:1", {"templates.toml": 'error_page = "error.html"\n\npages = 1'}),
        ("template-missing", "templates.toml:5:1", {"home.html": None, "layout.html": None}),
        ("template-missing", "home.html:1:1", {"layout.html": None}),
        ("template-missing", "story.html:2:1", {"story.html": "\n{% include story.title %}"}),
        ("template-syntax", "story.html:3:1", {"story.html": "one\ntwo\n{% if %}"}),
        ("template-syntax", "story.html:2:1", {"story.html": "one\n{{ story.title | shout }}"}),
        ("template-name", "story.html:2:1", {"story.html": "\n{{ page.title }}"}),
        ("template-name", "error.html:1:1", {"error.html": "{{ parameters }}"}),
        ("template-unused", "old.html", {"old.html": "nobody asks for me"}),
        ("page-path", "templates.toml:4:1", {"templates.toml": SETTINGS.replace('"/"', '"/health"')}),
        ("page-path", "templates.toml:4:1", {"templates.toml": SETTINGS.replace('"/"', '"home/"')}),
        (
            "page-duplicate",
            "templates.toml:9:1",
            {"templates.toml": SETTINGS.replace("/news/{story}", "/", 1)},
        ),
        ("content-key", "templates.toml:11:13", {"templates.toml": SETTINGS.replace(":{story}", ":{tale}")}),
        (
            "content-key",
            "templates.toml:6:13",
            {"templates.toml": SETTINGS.replace("{ page =", "{ release =")},
        ),
        ("error-page", "error.html", {"error.html": "{{ 1 / (status - 500) }}"}),
    ],
)
def test_a_mistake_is_named_with_its_place(
    tmp_path: Path, check: str, where: str, changes: dict[str, str | None]
) -> None:
    """Each mistake is reported under its check, at its file and line."""
    problems = check_templates(write_release(tmp_path, changes))
    assert (check, f"{tmp_path}/{where}") in [(problem.check, str(problem.where)) for problem in problems]


def test_a_file_that_is_no_text_is_a_problem(tmp_path: Path) -> None:
    """A template that is not UTF-8 is reported, not raised."""
    (write_release(tmp_path) / "home.html").write_bytes(b"\xff\xfe")
    assert [problem.check for problem in check_templates(tmp_path)] == ["template-unreadable"]


def test_all_problems_are_reported_at_once(tmp_path: Path) -> None:
    """Mistakes in settings and in several templates come in one report."""
    spoiled = {
        "templates.toml": SETTINGS.replace("home.html", "hoem.html"),
        "story.html": "{% for %}",
        "error.html": "{{ page }}",
    }
    with pytest.raises(ProblemsError) as caught:
        load_templates(write_release(tmp_path, spoiled))
    found = {problem.check for problem in caught.value.problems}
    assert found == {"template-missing", "template-syntax", "template-name"}


def test_a_name_that_a_page_sets_reaches_its_layout(tmp_path: Path) -> None:
    """A layout may look up what the page that extends it sets."""
    changes = {
        "layout.html": "{{ mood }}",
        "home.html": "{% extends 'layout.html' %}{% set mood = page.mood %}",
    }
    assert check_templates(write_release(tmp_path, changes)) == []


def test_content_is_escaped(tmp_path: Path) -> None:
    """Markup in content reaches the visitor as text."""
    templates = load_templates(write_release(tmp_path))
    html = templates.render(templates.pages[0], {"page": {"title": "<script>"}}, {})
    assert b"<script>" not in html
    assert b"&lt;script&gt;" in html


def test_a_field_may_be_named_like_a_method(tmp_path: Path) -> None:
    """A document's field called items is the field."""
    changes = {"home.html": "{% extends 'layout.html' %}{% block title %}{{ page.items[0] }}{% endblock %}"}
    templates = load_templates(write_release(tmp_path, changes))
    assert b"<title>first</title>" in templates.render(templates.pages[0], {"page": {"items": ["first"]}}, {})


def test_a_missing_field_is_an_error_with_its_line(tmp_path: Path) -> None:
    """Content without a field that the template shows is an error that names template and line."""
    templates = load_templates(write_release(tmp_path))
    with pytest.raises(RenderError, match=r"^home\.html:1: UndefinedError: .*title"):
        templates.render(templates.pages[0], {"page": {}}, {})


def test_nothing_is_read_after_loading(tmp_path: Path) -> None:
    """A loaded release renders although its folder is gone."""
    templates = load_templates(write_release(tmp_path / "gone"))
    (tmp_path / "gone").rename(tmp_path / "elsewhere")
    assert b"Hello" in templates.render(templates.pages[0], {"page": {"title": "Hello"}}, {})
    assert templates.render_error(404) == b"error 404"
