"""Checks of a template release before it is rendered: text in, problems out."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from jinja2 import Environment, TemplateSyntaxError, meta, nodes

from handshake.config.reader import Loaded
from handshake.core.problem import Location, Problem
from handshake.renderer.page import TemplateReleaseSettings, find_parameters, is_path, path_shape

# Templates as trees: what is wrong with their syntax, what they refer to, which names they look up.

_REFERENCES = (nodes.Extends, nodes.FromImport, nodes.Import, nodes.Include)


@dataclass(frozen=True, kw_only=True)
class Mention:
    """A name in a template, and its position."""

    name: str
    template: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Trees:
    """The templates that could be compiled, and why the others could not."""

    roots: Mapping[str, nodes.Template]
    errors: tuple[TemplateSyntaxError, ...]

    def references(self, template: str) -> Iterator[Mention]:
        """Yield what a template extends, includes and imports; the name is empty if it is computed."""
        for node in self.roots[template].find_all(nodes.Stmt):
            if isinstance(node, _REFERENCES):
                yield Mention(name=_literal(node.template), template=template, line=node.lineno)

    def family(self, template: str) -> set[str]:
        """Return a template and everything that it refers to, however far, as far as that exists."""
        found: set[str] = set()
        waiting = [template]
        while waiting:
            name = waiting.pop()
            if name in self.roots and name not in found:
                found.add(name)
                waiting.extend(reference.name for reference in self.references(name))
        return found

    def lookups(self, template: str) -> Iterator[Mention]:
        """Yield the names that a template's whole family expects to be given."""
        family = self.family(template)
        given = {name for member in family for name in _assigned(self.roots[member])}
        for member in sorted(family):
            for name in sorted(meta.find_undeclared_variables(self.roots[member]) - given):
                yield Mention(name=name, template=member, line=_first_line(self.roots[member], name))


def compile_trees(environment: Environment, texts: Mapping[str, str]) -> Trees:
    """Parse and compile every template."""
    roots: dict[str, nodes.Template] = {}
    errors: list[TemplateSyntaxError] = []
    for name, text in texts.items():
        try:
            roots[name] = environment.parse(text, name, name)
            environment.get_template(name)
        except TemplateSyntaxError as error:
            roots.pop(name, None)
            errors.append(error)
    return Trees(roots=roots, errors=tuple(errors))


def _literal(expression: nodes.Expr) -> str:
    return str(expression.value) if isinstance(expression, nodes.Const) else ""


def _assigned(tree: nodes.Template) -> set[str]:
    """Return the names that a template itself sets: what a page sets, the layout it extends may read."""
    return {node.name for node in tree.find_all(nodes.Name) if node.ctx == "store"}


def _first_line(tree: nodes.Template, name: str) -> int:
    lines = (node.lineno for node in tree.find_all(nodes.Name) if node.name == name and node.ctx == "load")
    return next(lines, 1)


HEALTH_PATH = "/health"
PAGE_NAMES = frozenset({"release", "parameters"})
"""What every page's template receives besides its content."""
ERROR_PAGE_NAMES = frozenset({"release", "status"})
"""What the error page's template receives."""

_NAME = re.compile(r"[a-z][a-z0-9_]*")
_KEY = re.compile(r"(?:[A-Za-z0-9:._~-]|\{[a-z][a-z0-9_]*\})+")

Settings = Loaded[TemplateReleaseSettings]


def check_paths(loaded: Settings) -> Iterator[Problem]:
    """Check that every page has a path, and one of its own."""
    taken: dict[str, str] = {}
    for number, page in enumerate(loaded.model.page):
        where = loaded.source.at("page", number, "path")
        shape = path_shape(page.path)
        if not is_path(page.path) or page.path == HEALTH_PATH:
            yield Problem(
                check="page-path",
                what=f"{page.path!r} is not a valid page path",
                where=where,
                hint="Use / and literal segments or whole {parameters} between slashes, none at the end; "
                f"{HEALTH_PATH} belongs to the platform.",
            )
        elif shape in taken:
            yield Problem(
                check="page-duplicate",
                what=f"{page.path} is used by two pages",
                where=where,
                hint=f"Remove one of them, or change its path; the other is {taken[shape]}.",
            )
        taken.setdefault(shape, page.path)


def check_content(loaded: Settings) -> Iterator[Problem]:
    """Check that every document of a page has a usable name and a key that the page's path determines."""
    for number, page in enumerate(loaded.model.page):
        for name, key in page.content.items():
            if fault := _content_fault(page.path, name, key):
                yield Problem(
                    check="content-key",
                    what=fault,
                    where=loaded.source.at("page", number, "content", name),
                    hint='Write name = "key": a name of lower-case letters, digits and _, a key of letters, '
                    "digits and : . _ ~ -, with parameters of the page's own path in braces.",
                )


def check_syntax(trees: Trees, texts: Mapping[str, str], folder: str) -> Iterator[Problem]:
    """Check that every template compiles, and names literally what it extends, includes and imports."""
    for error in trees.errors:
        yield Problem(
            check="template-syntax",
            what=f"not a valid Jinja template: {error.message}",
            where=Location(file=f"{folder}/{error.name}", line=error.lineno, column=1),
            hint="Correct the line; https://jinja.palletsprojects.com/templates describes the language.",
        )
    for template in trees.roots:
        for reference in trees.references(template):
            if reference.name not in texts:
                yield _missing_reference(reference, folder)


def check_presence(
    loaded: Settings, trees: Trees, texts: Mapping[str, str], folder: str
) -> Iterator[Problem]:
    """Check that the templates that the settings name exist, and that no file is there for nothing."""
    named = [("error_page",), *(("page", number, "template") for number in range(len(loaded.model.page)))]
    templates = [loaded.model.error_page, *(page.template for page in loaded.model.page)]
    for path, template in zip(named, templates, strict=True):
        if template not in texts:
            yield Problem(
                check="template-missing",
                what=f"the template {template} does not exist",
                where=loaded.source.at(*path),
                hint=f"Templates: {', '.join(sorted(texts)) or 'none'}.",
            )
    if trees.errors:
        return  # what a broken template would have used is not known
    used = set[str]().union(*(trees.family(template) for template in templates))
    for template in sorted(set(texts) - used):
        yield Problem(
            check="template-unused",
            what=f"no page uses {template}",
            where=Location(file=f"{folder}/{template}"),
            hint="Give it a [[page]] in templates.toml, or remove the file.",
        )


def check_names(loaded: Settings, trees: Trees, folder: str) -> Iterator[Problem]:
    """Check that templates look up nothing but what they will be given."""
    given_to = {loaded.model.error_page: set(ERROR_PAGE_NAMES)}
    for page in loaded.model.page:
        # A template of several pages may use only what each of them gives it.
        given = PAGE_NAMES | page.content.keys()
        given_to[page.template] = given_to.get(page.template, set(given)) & given
    mentions = {
        (mention.template, mention.name): mention
        for template, given in given_to.items()
        for mention in trees.lookups(template)
        if mention.name not in given
    }
    return (_unknown_name(mention, folder) for mention in mentions.values())


def _content_fault(path: str, name: str, key: str) -> str:
    if not _NAME.fullmatch(name) or name in PAGE_NAMES:
        return f"{name!r} is not a valid name of a document"
    if not _KEY.fullmatch(key):
        return f"{key!r} is not a valid key of a document"
    strangers = set(find_parameters(key)) - set(find_parameters(path))
    return f"{{{min(strangers)}}} is not a parameter of {path}" if strangers else ""


def _missing_reference(reference: Mention, folder: str) -> Problem:
    what = f"the template {reference.name} does not exist" if reference.name else "this name is computed"
    return Problem(
        check="template-missing",
        what=what,
        where=Location(file=f"{folder}/{reference.template}", line=reference.line, column=1),
        hint="Use the path of a template below this folder, as one string literal.",
    )


def _unknown_name(mention: Mention, folder: str) -> Problem:
    return Problem(
        check="template-name",
        what=f"the template has no {mention.name!r}",
        where=Location(file=f"{folder}/{mention.template}", line=mention.line, column=1),
        hint="Add a document to the page's content table, or use release, parameters (pages) "
        "or status (the error page).",
    )
