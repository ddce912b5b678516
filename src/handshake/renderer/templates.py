"""A template release: checked and compiled as a whole, then never read from disk again."""

from __future__ import annotations

import traceback
from collections.abc import Mapping
from dataclasses import dataclass
from http import HTTPStatus
from pathlib import Path
from typing import Any

from jinja2 import Environment, FunctionLoader, StrictUndefined, Undefined

from handshake.config.reader import read_settings
from handshake.core.problem import Location, Problem, ProblemsError
from handshake.renderer.checks import (
    Trees,
    check_content,
    check_names,
    check_paths,
    check_presence,
    check_syntax,
    compile_trees,
)
from handshake.renderer.page import FILE, Page, TemplateReleaseSettings

UNPUBLISHED = "unpublished"


class RenderError(Exception):
    """A template could not be rendered: where and why, in one line."""


@dataclass(frozen=True, kw_only=True)
class Templates:
    """A template release that passed all checks."""

    pages: tuple[Page, ...]
    error_page: str
    release_name: str
    """What templates see as `release`, for a page's small print."""
    environment: Environment

    def render(
        self, page: Page, content: Mapping[str, Mapping[str, Any]], parameters: Mapping[str, str]
    ) -> bytes:
        """Return a page's HTML; RenderError. The same content always gives the same bytes."""
        return self._render(page.template, {**content, "parameters": parameters})

    def render_error(self, status: int) -> bytes:
        """Return the error page; it was rendered once when it was checked, so it renders now."""
        return self._render(self.error_page, {"status": status})

    def _render(self, template: str, names: Mapping[str, object]) -> bytes:
        try:
            text = self.environment.get_template(template).render(names, release=self.release_name)
        # Templates call what they like, so anything may come out of them.
        except Exception as error:
            raise RenderError(f"{_line_of(error, template)}: {type(error).__name__}: {error}") from error
        return text.encode()


def load_templates(folder: Path, release_name: str = UNPUBLISHED) -> Templates:
    """Return a folder's template release; raise ProblemsError with everything that is wrong with it."""
    try:
        texts = read_texts(folder)
    except (OSError, UnicodeDecodeError) as error:
        raise ProblemsError([_unreadable(folder, error)]) from error
    environment = build_environment(texts)
    trees = compile_trees(environment, texts)
    problems = list(check_syntax(trees, texts, str(folder)))
    try:
        settings = _read_settings(folder, trees, texts)
    except ProblemsError as error:
        raise ProblemsError([*problems, *error.problems]) from error
    templates = _build(settings, environment, release_name)
    problems += [] if problems else _check_error_page(templates, folder)
    if problems:
        raise ProblemsError(problems)
    return templates


def check_templates(folder: Path) -> list[Problem]:
    """Return everything that is wrong with a folder of templates: an empty list lets it be published."""
    try:
        load_templates(folder)
    except ProblemsError as error:
        return list(error.problems)
    return []


def _read_settings(folder: Path, trees: Trees, texts: Mapping[str, str]) -> TemplateReleaseSettings:
    loaded = read_settings(TemplateReleaseSettings, folder / FILE)
    problems = [
        *check_paths(loaded),
        *check_content(loaded),
        *check_presence(loaded, trees, texts, str(folder)),
        *check_names(loaded, trees, str(folder)),
    ]
    if problems:
        raise ProblemsError(problems)
    return loaded.model


def _build(settings: TemplateReleaseSettings, environment: Environment, release_name: str) -> Templates:
    pages = tuple(Page(**dict(page)) for page in settings.page)
    return Templates(
        pages=pages, error_page=settings.error_page, release_name=release_name, environment=environment
    )


def _check_error_page(templates: Templates, folder: Path) -> list[Problem]:
    try:
        for status in (HTTPStatus.NOT_FOUND, HTTPStatus.INTERNAL_SERVER_ERROR):
            templates.render_error(status)
    except RenderError as error:
        where = Location(file=f"{folder}/{templates.error_page}")
        hint = "It must render from status and release alone, because it is shown when everything else is broken."
        problem = Problem(check="error-page", what=f"the error page fails: {error}", where=where, hint=hint)
        return [problem]
    return []


def _unreadable(folder: Path, error: Exception) -> Problem:
    return Problem(
        check="template-unreadable",
        what=f"the templates cannot be read: {error}",
        where=Location(file=str(folder)),
        hint="Every file of a template release must be UTF-8 text that this user can read.",
    )


def _line_of(error: Exception, template: str) -> str:
    """Return template:line of the innermost template that took part in an error."""
    frames = traceback.extract_tb(error.__traceback__)
    places = [f"{frame.filename}:{frame.lineno}" for frame in frames if _is_template(frame)]
    return places[-1] if places else template


def _is_template(frame: traceback.FrameSummary) -> bool:
    # Python's own modules stand at absolute paths; a template's file name is its name in the release.
    return not frame.filename.startswith(("/", "<"))


# How templates are read and compiled: once, all of them, escaping whatever content brings.


class ContentEnvironment(Environment):
    """Jinja in which `page.items` is the field of a document, never a method of Python's dictionaries."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        """Look a name up in a document by its fields alone, in anything else as Jinja does."""
        if isinstance(obj, dict):
            return obj[attribute] if attribute in obj else self.undefined(obj=obj, name=attribute)
        return super().getattr(obj, attribute)


def read_texts(folder: Path) -> dict[str, str]:
    """Return every file of a template release but its settings, by its path below the folder."""
    files = sorted(path for path in folder.rglob("*") if path.is_file())
    texts = {path.relative_to(folder).as_posix(): path.read_text(encoding="utf-8") for path in files}
    texts.pop(FILE, None)
    return texts


def build_environment(texts: Mapping[str, str]) -> Environment:
    """Return an environment of these templates; from here on nothing is read from disk.

    A name or field that nothing provides is an error, not an empty text.
    """

    def load(name: str) -> tuple[str, str, Any] | None:
        # Each template carries its name as its file name, so that errors can say template:line.
        return (texts[name], name, lambda: True) if name in texts else None

    undefined: type[Undefined] = StrictUndefined
    return ContentEnvironment(
        loader=FunctionLoader(load),
        autoescape=True,
        undefined=undefined,
        auto_reload=False,
        cache_size=-1,
        trim_blocks=True,
        lstrip_blocks=True,
    )
