"""A parser for CEL text: names, literals and calls with positions, and faults. Knows the grammar, not the variables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeAlias

# A fault in a condition: what is wrong, and its position within the text.


@dataclass(frozen=True, kw_only=True)
class Fault:
    """One error in a condition."""

    check: str
    what: str
    hint: str
    line: int
    """Within the condition, from 1."""
    column: int


if TYPE_CHECKING:
    from lark import Token, Tree

_RELATIONS = {
    "relation_eq": "==",
    "relation_ne": "!=",
    "relation_in": "in",
    "relation_lt": "<",
    "relation_le": "<=",
    "relation_gt": ">",
    "relation_ge": ">=",
}
_JUNCTIONS = {"conditionalor": "||", "conditionaland": "&&"}
_LEVELS = {
    "expr",
    "conditionalor",
    "conditionaland",
    "relation",
    "addition",
    "multiplication",
    "unary",
    "member",
    "primary",
    "paren_expr",
}
"""Levels of precedence: with a single child, they have no meaning."""
_UNSUPPORTED = {
    "expr": "ternary",
    "addition": "arithmetic",
    "multiplication": "arithmetic",
    "unary": "arithmetic",
    "map_lit": "map",
    "ident_arg": "function call",
    "member_object": "message",
}
_STRINGS = {"STRING_LIT", "MLSTRING_LIT"}


@dataclass(frozen=True, kw_only=True)
class CelPosition:
    """The position in the text at which a form starts; both count from 1."""

    line: int
    column: int


@dataclass(frozen=True, kw_only=True)
class Name:
    """`switch`, `client.ip`."""

    dotted: str
    place: CelPosition


@dataclass(frozen=True, kw_only=True)
class CelLiteral:
    """A text, number or boolean that the operator wrote."""

    value: str | int | bool
    place: CelPosition


@dataclass(frozen=True, kw_only=True)
class ListLiteral:
    """`[..., ...]`."""

    items: tuple[Form, ...]
    place: CelPosition


@dataclass(frozen=True, kw_only=True)
class CelCall:
    """An operator or a method with its operands, the receiver first; `[]` is the index."""

    function: str
    operands: tuple[Form, ...]
    place: CelPosition


@dataclass(frozen=True, kw_only=True)
class Unsupported:
    """CEL that rules do not support: arithmetic, maps, the ternary operator."""

    what: str
    place: CelPosition


Form: TypeAlias = Name | CelLiteral | ListLiteral | CelCall | Unsupported


def parse_cel(text: str) -> Form | Fault:
    """Return the text as a form, or its first syntax error."""
    from celpy.celparser import CELParseError, CELParser  # noqa: PLC0415 -- see above

    if not text.strip():
        return _syntax_fault(1, 1)
    try:
        tree = CELParser().parse(text)
    except CELParseError as error:
        return _syntax_fault(error.line or 1, error.column or len(text))
    return _read(tree, CelPosition(line=1, column=1))


def _syntax_fault(line: int, column: int) -> Fault:
    return Fault(
        check="edge-cel-syntax",
        what="syntax error in the condition",
        hint='For example: switch.siege && !(client.country in ["US", "PR"])',
        line=line,
        column=column,
    )


def _read(tree: Any, around: CelPosition) -> Form:
    place = _place_of(tree, around)
    first, *others = tree.children or [None]
    if tree.data in _LEVELS and not others:
        return _read(first, place)
    match tree.data:
        case "conditionalor" | "conditionaland":
            return _call(_JUNCTIONS[tree.data], tree.children, place)
        case "relation" if first.data in _RELATIONS:
            return _call(_RELATIONS[first.data], [*first.children, *others], place)
        case "unary" if first.data == "unary_not":
            return _call("!", others, place)
        case "member_index":
            return _call("[]", tree.children, place)
        case _:
            return _read_member(tree, place)


def _read_member(tree: Any, place: CelPosition) -> Form:
    children = tree.children
    match tree.data:
        case "ident":
            return Name(dotted=str(children[0]), place=place)
        case "literal":
            return _read_literal(children[0], place)
        case "list_lit":
            return ListLiteral(items=_read_list(children, place), place=place)
        case "member_dot":
            return _read_dot(children, place)
        case "member_dot_arg":
            receiver, method, *arguments = children
            operands = (_read(receiver, place), *_read_list(arguments, place))
            return CelCall(function=str(method), operands=operands, place=place)
        case kind:
            return Unsupported(what=_UNSUPPORTED.get(kind, str(kind)), place=place)


def _call(function: str, operands: list[Any], place: CelPosition) -> CelCall:
    return CelCall(
        function=function, operands=tuple(_read(operand, place) for operand in operands), place=place
    )


def _read_dot(children: list[Any], place: CelPosition) -> Form:
    receiver = _read(children[0], place)
    if isinstance(receiver, Name):
        return Name(dotted=f"{receiver.dotted}.{children[1]}", place=place)
    return Unsupported(what="field of a value", place=place)


def _read_list(children: list[Any], place: CelPosition) -> tuple[Form, ...]:
    return tuple(_read(item, place) for child in children for item in child.children)


def _read_literal(leaf: Token, place: CelPosition) -> Form:
    from celpy.evaluation import celstr  # noqa: PLC0415 -- see above

    if leaf.type in _STRINGS:
        return CelLiteral(value=str(celstr(leaf)), place=place)
    if leaf.type == "BOOL_LIT":
        return CelLiteral(value=leaf == "true", place=place)
    if leaf.type == "INT_LIT":
        return CelLiteral(value=int(leaf, 16 if "x" in leaf else 10), place=place)
    return Unsupported(what=f"value {leaf}", place=place)


def _place_of(tree: Tree[Token], around: CelPosition) -> CelPosition:
    if tree.meta.empty:
        return around
    return CelPosition(line=tree.meta.line, column=tree.meta.column)
