"""The ids of all checks, read off the source: what is given to `Problem(check=...)` and `Fault(check=...)`."""

import ast
import itertools
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

from tests.meta.sources import Module, modules

_TOLD_IN = {"Problem", "Fault"}


class UnreadableIdError(Exception):
    """An id is computed in a way that cannot be followed; write it as a text at the place that finds the problem."""


@dataclass(frozen=True, kw_only=True)
class _Place:
    """An expression and the function that it stands in."""

    expression: ast.expr
    function: ast.FunctionDef | None
    module: Module


def check_ids() -> set[str]:
    """Return every id that a problem of the package can carry."""
    return {name for module in modules() for place in _told(module) for name in _read(place)}


def _told(module: Module) -> Iterator[_Place]:
    """Yield what is given as `check` wherever a problem is made."""
    for function, call in _calls(module):
        if isinstance(call.func, ast.Name) and call.func.id in _TOLD_IN:
            for keyword in call.keywords:
                if keyword.arg == "check":
                    yield _Place(expression=keyword.value, function=function, module=module)


def _read(place: _Place) -> Iterable[str]:
    """Return the texts that an expression can be, following a parameter to the calls of its function."""
    match place.expression:
        case ast.Constant(value=str(text)):
            return [text]
        case ast.Attribute(attr="check"):
            return []  # another problem's own
        case ast.JoinedStr(values=values):
            parts = [
                _read(_Place(expression=part, function=place.function, module=place.module))
                for part in values
            ]
            return ["".join(texts) for texts in itertools.product(*parts)]
        case ast.FormattedValue(value=value):
            return _read(_Place(expression=value, function=place.function, module=place.module))
        case ast.Name(id=name) if place.function and name in _parameters(place.function):
            given = list(_given(place.module, place.function, name))
            return [text for each in given for text in _read(each)]
        case other:
            raise UnreadableIdError(f"{place.module.path}:{other.lineno}: {ast.unparse(other)}")


def _given(module: Module, function: ast.FunctionDef, parameter: str) -> Iterator[_Place]:
    position = _parameters(function).index(parameter)
    for outer, call in _calls(module):
        if _name(call.func) != function.name:
            continue
        named = [keyword.value for keyword in call.keywords if keyword.arg == parameter]
        for expression in named or call.args[position : position + 1]:
            yield _Place(expression=expression, function=outer, module=module)


def _parameters(function: ast.FunctionDef) -> list[str]:
    names = [argument.arg for argument in (*function.args.args, *function.args.kwonlyargs)]
    return names[1:] if names[:1] == ["self"] else names


def _name(called: ast.expr) -> str:
    match called:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return name
        case _:
            return ""


def _calls(module: Module) -> Iterator[tuple[ast.FunctionDef | None, ast.Call]]:
    """Yield every call with the innermost function around it."""
    todo: list[tuple[ast.FunctionDef | None, ast.AST]] = [(None, module.tree)]
    while todo:
        function, node = todo.pop()
        inner = node if isinstance(node, ast.FunctionDef) else function
        if isinstance(node, ast.Call):
            yield function, node
        todo += [(inner, child) for child in ast.iter_child_nodes(node)]
