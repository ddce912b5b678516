"""Typed conditions -> CEL text, for people and for CEL's own evaluator."""

from __future__ import annotations

import json
from collections.abc import Iterable

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


def print_cel(expression: Expression) -> str:
    """Return a condition as CEL text."""
    match expression:
        case Not(operand=operand):
            return f"!({print_cel(operand)})"
        case All(operands=operands):
            return " && ".join(f"({print_cel(operand)})" for operand in operands)
        case Any(operands=operands):
            return " || ".join(f"({print_cel(operand)})" for operand in operands)
        case test:
            return _print_test(test)


def _print_test(test: Test) -> str:
    match test:
        case Constant(value=value):
            return "true" if value else "false"
        case SwitchIsOn(name=name):
            return f"switch.{name}"
        case IsListed(name=name, reads=reads):
            return f"{reads.name} in list.{name}"
        case IsWithin(networks=networks):
            return _compare("client.ip", map(_quote, networks))
        case Compares(reads=reads, operator=operator, texts=texts):
            return _print_comparison(reads.name, operator, texts)
        case Measures(reads=reads, relation=relation, numbers=numbers):
            written = tuple(map(str, numbers))
            is_equality = relation is Relation.EQUALS
            return _compare(reads.name, written) if is_equality else f"{reads.name} {relation} {written[0]}"


def _print_comparison(name: str, operator: Operator, texts: tuple[str, ...]) -> str:
    if operator is Operator.EQUALS:
        return _compare(name, map(_quote, texts))
    return " || ".join(f"{name}.{operator}({_quote(text)})" for text in texts)


def _compare(name: str, values: Iterable[str]) -> str:
    written = tuple(values)
    return f"{name} == {written[0]}" if len(written) == 1 else f"{name} in [{', '.join(written)}]"


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)
