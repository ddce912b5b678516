"""Conditions in HAProxy's words: named ACLs, and what stands behind `if`."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handshake.edge.dialect import Dialect
from handshake.edge.expression import (
    All,
    Any,
    Compares,
    Constant,
    Expression,
    IsListed,
    IsWithin,
    Measures,
    Not,
    Operator,
    Relation,
    SwitchIsOn,
    Test,
)
from handshake.edge.network import print_network
from handshake.edge.normal_form import Conjunction, Literal, to_alternatives
from handshake.edge.policy import Policy
from handshake.edge.variables import Type
from handshake.syntax.haproxy import Line, line

_FLAGS = {
    Operator.EQUALS: "str",
    Operator.STARTS_WITH: "beg",
    Operator.ENDS_WITH: "end",
    Operator.CONTAINS: "sub",
    Operator.MATCHES: "reg",
}
_WORDS = 50
_RELATIONS = {
    Relation.EQUALS: "eq",
    Relation.BELOW: "lt",
    Relation.AT_MOST: "le",
    Relation.ABOVE: "gt",
    Relation.AT_LEAST: "ge",
}


@dataclass(frozen=True, kw_only=True)
class DoorCondition:
    """A condition, ready to stand on a line."""

    acls: tuple[Line, ...]
    words: tuple[str, ...]
    """`if A !B or C`; empty where it always holds."""
    is_never: bool = False


def compile_condition(policy: Policy, expression: Expression, prefix: str) -> DoorCondition:
    """Return the condition in HAProxy's words; its own ACLs are named `prefix.1`, `prefix.2`, ..."""
    alternatives = to_alternatives(_spare_protected(policy, expression))
    tests = dict.fromkeys(literal.test for conjunction in alternatives for literal in conjunction)
    own = [test for test in tests if isinstance(test, IsWithin | Compares | Measures)]
    names = {test: f"{prefix}.{number}" for number, test in enumerate(own, 1)}
    return DoorCondition(
        acls=tuple(acl for test, name in names.items() for acl in _define(test, name)),
        words=_print_alternatives(alternatives, names),
        is_never=not alternatives,
    )


def _spare_protected(policy: Policy, expression: Expression) -> Expression:
    """Make every look into a list spare those whom the list protects."""
    match expression:
        case Not(operand=operand):
            return Not(operand=_spare_protected(policy, operand))
        case All(operands=operands):
            return All(operands=tuple(_spare_protected(policy, operand) for operand in operands))
        case Any(operands=operands):
            return Any(operands=tuple(_spare_protected(policy, operand) for operand in operands))
        case IsListed():
            return _spare(policy, expression)
        case _:
            return expression


def _spare(policy: Policy, listed: IsListed) -> Expression:
    spared = _protect(policy, listed)
    return All(operands=(listed, Not(operand=spared))) if spared else listed


def _protect(policy: Policy, listed: IsListed) -> IsWithin | Compares | None:
    if listed.reads.variable.type is Type.TEXT:
        texts = next(its.protected for its in policy.text_lists if its.name == listed.name)
        return Compares(reads=listed.reads, operator=Operator.EQUALS, texts=texts) if texts else None
    networks = next(its.protected for its in policy.lists if its.name == listed.name)
    return IsWithin(networks=tuple(print_network(network) for network in networks)) if networks else None


def _define(test: IsWithin | Compares | Measures, name: str) -> list[Line]:
    match test:
        case Measures(reads=reads, relation=relation, numbers=numbers):
            begin = ("acl", name, reads.spell(Dialect.DOOR), "-m", "int", _RELATIONS[relation])
            return in_rows(begin, [str(number) for number in numbers])
        case IsWithin(networks=networks):
            return in_rows(("acl", name, "src"), networks)
        case Compares():
            return [*_define_texts(test, name), *_define_nothing(test, name)]


def _define_texts(compares: Compares, name: str) -> list[Line]:
    texts = [text for text in compares.texts if text]
    reads = compares.reads.spell(Dialect.DOOR)
    return in_rows(("acl", name, reads, "-m", _FLAGS[compares.operator], "--"), texts)


def in_rows(begin: tuple[str, ...], values: Sequence[str]) -> list[Line]:
    """Return as many lines as the values need: HAProxy reads 64 words of a line, and ACLs of one name add up."""
    return [line(*begin, *values[first : first + _WORDS]) for first in range(0, len(values), _WORDS)]


def _define_nothing(compares: Compares, name: str) -> list[Line]:
    """Let an empty or absent text fit, which fits no pattern of HAProxy's by itself: ACLs of one name add up."""
    if not compares.accepts_nothing:
        return []
    absent = compares.reads.spell_absence()
    empty = line("acl", name, compares.reads.spell(Dialect.DOOR), "-m", "len", "0")
    return [empty, line("acl", name, *absent)] if absent else [empty]


def _print_alternatives(
    alternatives: tuple[Conjunction, ...], names: dict[IsWithin | Compares | Measures, str]
) -> tuple[str, ...]:
    if () in alternatives:
        return ()
    words: list[str] = []
    for conjunction in alternatives:
        cheapest_first = sorted(conjunction, key=lambda literal: _price(literal.test))
        words += ["or" if words else "if", *(_print_literal(literal, names) for literal in cheapest_first)]
    return tuple(words)


def _price(test: Test) -> int:
    """Order the tests of a conjunction: HAProxy stops at the first that fails, and none of them has an effect."""
    match test:
        case Compares(operator=Operator.MATCHES):
            return 1
        case SwitchIsOn():
            return 2
        case IsListed():
            return 3
        case _:
            return 0


def _print_literal(literal: Literal, names: dict[IsWithin | Compares | Measures, str]) -> str:
    return ("!" if literal.is_negated else "") + _name(literal.test, names)


def _name(test: Test, names: dict[IsWithin | Compares | Measures, str]) -> str:
    match test:
        case SwitchIsOn(name=name):
            return f"switch.{name}"
        case IsListed():
            return f"list.{test.label}"
        case Constant():
            raise AssertionError("a normal form holds no constants")
        case _:
            return names[test]
