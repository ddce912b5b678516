"""Why a rule did not match: its condition in parts, each with what it read and whether it holds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from handshake.edge.evaluate import Evaluator, read_value
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
    SwitchIsOn,
    Test,
)
from handshake.edge.print_cel import print_cel
from handshake.edge.request import LiveData, Request


@dataclass(frozen=True, kw_only=True)
class Part:
    """One part of a condition."""

    depth: int
    text: str
    value: str
    """What was read; empty for what only joins other parts."""
    holds: bool


def take_apart(
    expression: Expression, evaluator: Evaluator, request: Request, live: LiveData, depth: int = 0
) -> Iterator[Part]:
    """Yield the parts of a condition, each before those within it."""
    holds = evaluator.holds(expression, request)
    match expression:
        case Not(operand=operand):
            yield Part(depth=depth, text="not", value="", holds=holds)
            yield from take_apart(operand, evaluator, request, live, depth + 1)
        case All(operands=operands) | Any(operands=operands):
            joint = "all of" if isinstance(expression, All) else "any of"
            yield Part(depth=depth, text=joint, value="", holds=holds)
            for operand in operands:
                yield from take_apart(operand, evaluator, request, live, depth + 1)
        case test:
            yield Part(depth=depth, text=print_cel(test), value=_show(test, request, live), holds=holds)


def _show(test: Test, request: Request, live: LiveData) -> str:
    match test:
        case Constant():
            return ""
        case SwitchIsOn(name=name):
            return "on" if name in live.switches_on else "off"
        case IsWithin():
            return request.client
        case IsListed(reads=reads) | Compares(reads=reads) | Measures(reads=reads):
            value = read_value(reads, request)
            return f'"{value}"' if isinstance(value, str) else str(value)
