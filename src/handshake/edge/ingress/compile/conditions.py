"""Conditions as HAProxy ACLs, and whether a rule matched: evaluated once, read by every line of the rule."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from handshake.edge.policy.expression import (
    All,
    Any,
    ComparisonOperator,
    Conjunction,
    Constant,
    Expression,
    IsListed,
    IsWithin,
    Literal,
    Not,
    NumberComparison,
    Relation,
    SwitchIsOn,
    Test,
    TextComparison,
    to_alternatives,
)
from handshake.edge.policy.networks import print_network
from handshake.edge.policy.policy import EdgePolicy, Rule
from handshake.edge.policy.variables import EdgeDialect, Type
from handshake.syntax.haproxy import Line, line

_FLAGS = {
    ComparisonOperator.EQUALS: "str",
    ComparisonOperator.STARTS_WITH: "beg",
    ComparisonOperator.ENDS_WITH: "end",
    ComparisonOperator.CONTAINS: "sub",
    ComparisonOperator.MATCHES: "reg",
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
class IngressCondition:
    """A condition, ready to stand on a line."""

    acls: tuple[Line, ...]
    words: tuple[str, ...]
    """`if A !B or C`; empty if it always holds."""
    is_never: bool = False


def compile_condition(policy: EdgePolicy, expression: Expression, prefix: str) -> IngressCondition:
    """Return the condition in HAProxy's words; its own ACLs are named `prefix.1`, `prefix.2`, ..."""
    alternatives = to_alternatives(_spare_protected(policy, expression))
    tests = dict.fromkeys(literal.test for conjunction in alternatives for literal in conjunction)
    own = [test for test in tests if isinstance(test, IsWithin | TextComparison | NumberComparison)]
    names = {test: f"{prefix}.{number}" for number, test in enumerate(own, 1)}
    return IngressCondition(
        acls=tuple(acl for test, name in names.items() for acl in _define(test, name)),
        words=_print_alternatives(alternatives, names),
        is_never=not alternatives,
    )


def _spare_protected(policy: EdgePolicy, expression: Expression) -> Expression:
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


def _spare(policy: EdgePolicy, listed: IsListed) -> Expression:
    spared = _protect(policy, listed)
    return All(operands=(listed, Not(operand=spared))) if spared else listed


def _protect(policy: EdgePolicy, listed: IsListed) -> IsWithin | TextComparison | None:
    if listed.reads.variable.type is Type.TEXT:
        texts = next(its.protected for its in policy.text_lists if its.name == listed.name)
        return (
            TextComparison(reads=listed.reads, operator=ComparisonOperator.EQUALS, texts=texts)
            if texts
            else None
        )
    networks = next(its.protected for its in policy.lists if its.name == listed.name)
    return IsWithin(networks=tuple(print_network(network) for network in networks)) if networks else None


def _define(test: IsWithin | TextComparison | NumberComparison, name: str) -> list[Line]:
    match test:
        case NumberComparison(reads=reads, relation=relation, numbers=numbers):
            begin = ("acl", name, reads.spell(EdgeDialect.INGRESS), "-m", "int", _RELATIONS[relation])
            return in_rows(begin, [str(number) for number in numbers])
        case IsWithin(networks=networks):
            return in_rows(("acl", name, "src"), networks)
        case TextComparison():
            return [*_define_texts(test, name), *_define_nothing(test, name)]


def _define_texts(compares: TextComparison, name: str) -> list[Line]:
    texts = [text for text in compares.texts if text]
    reads = compares.reads.spell(EdgeDialect.INGRESS)
    return in_rows(("acl", name, reads, "-m", _FLAGS[compares.operator], "--"), texts)


def in_rows(begin: tuple[str, ...], values: Sequence[str]) -> list[Line]:
    """Return as many lines as the values need: HAProxy reads 64 words of a line, and ACLs of one name add up."""
    return [line(*begin, *values[first : first + _WORDS]) for first in range(0, len(values), _WORDS)]


def _define_nothing(compares: TextComparison, name: str) -> list[Line]:
    """Let an empty or absent text fit, which fits no pattern of HAProxy's by itself: ACLs of one name add up."""
    if not compares.accepts_nothing:
        return []
    absent = compares.reads.spell_absence()
    empty = line("acl", name, compares.reads.spell(EdgeDialect.INGRESS), "-m", "len", "0")
    return [empty, line("acl", name, *absent)] if absent else [empty]


def _print_alternatives(
    alternatives: tuple[Conjunction, ...], names: dict[IsWithin | TextComparison | NumberComparison, str]
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
        case TextComparison(operator=ComparisonOperator.MATCHES):
            return 1
        case SwitchIsOn():
            return 2
        case IsListed():
            return 3
        case _:
            return 0


def _print_literal(literal: Literal, names: dict[IsWithin | TextComparison | NumberComparison, str]) -> str:
    return ("!" if literal.is_negated else "") + _name(literal.test, names)


def _name(test: Test, names: dict[IsWithin | TextComparison | NumberComparison, str]) -> str:
    match test:
        case SwitchIsOn(name=name):
            return f"switch.{name}"
        case IsListed():
            return f"list.{test.label}"
        case Constant():
            raise AssertionError("a normal form holds no constants")
        case _:
            return names[test]


# Whether a request meets a rule: decided once, read by every line that the rule becomes.

IF_DECIDED = ("if", "{", "var(txn.rule)", "-m", "found", "}")
"""A rule has a name in the log only where it ends the request, so nothing else gets past the line that asks this."""


def remember_met(rule: Rule, condition: tuple[str, ...]) -> Line:
    """Return the line that remembers that a request meets the rule."""
    return line(
        "http-request", f"set-var(txn.met_{rule.word})", "bool(true)", *condition, because=rule.because
    )


def decide(rule: Rule, condition: tuple[str, ...]) -> Line:
    """Return the line that tells the log which rule ends a request that meets it; the rule's answer comes next."""
    return line("http-request", "set-var(txn.rule)", f"str({rule.name})", *condition, because=rule.because)


def if_met(rule: Rule, *more: str) -> tuple[str, ...]:
    """Return the words behind a line that holds for requests that meet the rule, and more than that."""
    return ("if", "{", f"var(txn.met_{rule.word})", "-m", "bool", "}", *more)


def if_over(rule: Rule, *more: str) -> tuple[str, ...]:
    """Return the words behind a line that holds for requests that are too many for the rule's limit."""
    return ("if", "{", f"var(txn.over_{rule.word})", "-m", "bool", "}", *more)
