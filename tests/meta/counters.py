"""The names of all counters, read off the source: what is counted as `counted=(NAME,)` or `increment(NAME)`."""

import ast
from collections.abc import Iterator

from tests.meta.sources import Module, modules


def counter_names() -> set[str]:
    """Return every name that the package counts under."""
    return {name for module in modules() for name in _counted(module)}


def _counted(module: Module) -> Iterator[str]:
    constants = _constants(module.tree)
    for expression in _named(module.tree):
        match expression:
            case ast.Constant(value=str(name)):
                yield name
            case ast.Name(id=name) if name.isupper():
                yield constants[name]
            case _:
                pass  # handed on: where it comes from, it is a constant


def _named(tree: ast.Module) -> Iterator[ast.expr]:
    """Yield the expressions that stand where a counter's name stands."""
    for node in ast.walk(tree):
        if isinstance(node, ast.keyword) and node.arg == "counted" and isinstance(node.value, ast.Tuple):
            yield from node.value.elts
        elif (
            isinstance(node, ast.Call)
            and isinstance(node.func, ast.Attribute)
            and node.func.attr == "increment"
        ):
            yield from node.args[:1]


def _constants(tree: ast.Module) -> dict[str, str]:
    return {
        target.id: node.value.value
        for node in tree.body
        if isinstance(node, ast.Assign) and isinstance(node.value, ast.Constant)
        for target in node.targets
        if isinstance(target, ast.Name) and isinstance(node.value.value, str)
    }
