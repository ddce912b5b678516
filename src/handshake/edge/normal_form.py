"""Conditions as alternatives of conjunctions: all that HAProxy's `if A B or C !D` can say."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import product
from math import prod
from typing import TypeAlias

from handshake.edge.expression import All, Any, Constant, Expression, Not, Test
from handshake.edge.fault import Fault

MOST_ALTERNATIVES = 32
_MOST_WORDS = 50
"""HAProxy reads 64 words of a line, and some stand before the condition."""


@dataclass(frozen=True, kw_only=True)
class Literal:
    """A test, or its negation."""

    test: Test
    is_negated: bool = False


Conjunction: TypeAlias = tuple[Literal, ...]


def to_alternatives(expression: Expression, *, is_negated: bool = False) -> tuple[Conjunction, ...]:
    """Return the conjunctions of which at least one must hold; none at all means never."""
    match expression:
        case Not(operand=operand):
            return to_alternatives(operand, is_negated=not is_negated)
        case All(operands=operands):
            return _either(operands, is_negated=True) if is_negated else _both(operands, is_negated=False)
        case Any(operands=operands):
            return _both(operands, is_negated=True) if is_negated else _either(operands, is_negated=False)
        case Constant(value=value):
            return ((),) if value is not is_negated else ()
        case test:
            return ((Literal(test=test, is_negated=is_negated),),)


def check_size(expression: Expression) -> tuple[Fault, ...]:
    """Return a fault where the door would have to try too many alternatives."""
    if count_alternatives(expression, is_negated=False) <= MOST_ALTERNATIVES and _fits(expression):
        return ()
    fault = Fault(
        check="edge-condition-too-large",
        what=f"without parentheses, the condition has over {MOST_ALTERNATIVES} alternatives or {_MOST_WORDS} words",
        hint="Split it into several rules with the same action.",
        line=1,
        column=1,
    )
    return (fault,)


def _fits(expression: Expression) -> bool:
    alternatives = to_alternatives(expression)
    return sum(len(alternative) + 1 for alternative in alternatives) <= _MOST_WORDS


def count_alternatives(expression: Expression, *, is_negated: bool) -> int:
    """Return how many conjunctions `to_alternatives` would give at most, without making them."""
    match expression:
        case Not(operand=operand):
            return count_alternatives(operand, is_negated=not is_negated)
        case All(operands=operands) | Any(operands=operands):
            counts = [count_alternatives(operand, is_negated=is_negated) for operand in operands]
            return sum(counts) if isinstance(expression, Any) is not is_negated else prod(counts)
        case _:
            return 1


def _either(operands: tuple[Expression, ...], *, is_negated: bool) -> tuple[Conjunction, ...]:
    return tuple(
        conjunction for operand in operands for conjunction in to_alternatives(operand, is_negated=is_negated)
    )


def _both(operands: tuple[Expression, ...], *, is_negated: bool) -> tuple[Conjunction, ...]:
    rows = [to_alternatives(operand, is_negated=is_negated) for operand in operands]
    return tuple(_merge(choice) for choice in product(*rows))


def _merge(choice: tuple[Conjunction, ...]) -> Conjunction:
    return tuple(dict.fromkeys(literal for conjunction in choice for literal in conjunction))
