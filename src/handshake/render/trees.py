"""Templates as trees: what is wrong with their syntax, what they refer to, which names they look up."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from jinja2 import Environment, TemplateSyntaxError, meta, nodes

_REFERENCES = (nodes.Extends, nodes.FromImport, nodes.Import, nodes.Include)


@dataclass(frozen=True, kw_only=True)
class Mention:
    """A name in a template, and where it stands."""

    name: str
    template: str
    line: int


@dataclass(frozen=True, kw_only=True)
class Trees:
    """The templates that could be compiled, and why the others could not."""

    roots: Mapping[str, nodes.Template]
    errors: tuple[TemplateSyntaxError, ...]

    def references(self, template: str) -> Iterator[Mention]:
        """Yield what a template extends, includes and imports; the name is empty where it is computed."""
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
