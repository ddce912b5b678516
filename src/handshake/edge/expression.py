"""A condition as a typed tree: what CEL text becomes, and what every dialect is printed from."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from handshake.edge.pattern import is_found
from handshake.edge.phase import Phase
from handshake.edge.variables import Variable


class Operator(StrEnum):
    """How a text is compared; named as in CEL."""

    EQUALS = "=="
    STARTS_WITH = "startsWith"
    ENDS_WITH = "endsWith"
    CONTAINS = "contains"
    MATCHES = "matches"


@dataclass(frozen=True, kw_only=True)
class Constant:
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, kw_only=True)
class SwitchIsOn:
    """`switch.NAME`."""

    name: str


@dataclass(frozen=True, kw_only=True)
class IsListed:
    """`client.ip in list.NAME`."""

    name: str


@dataclass(frozen=True, kw_only=True)
class IsWithin:
    """`client.ip in ["192.0.2.0/24", ...]`, or `== "192.0.2.1"`."""

    networks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class Reads:
    """A variable, with its key where it has one."""

    variable: Variable
    key: str = ""

    def spell(self, phase: Phase) -> str:
        """Return the text that reads it in the phase's language."""
        return self.variable.reads[phase].replace("{key}", self.key)

    def spell_absence(self) -> tuple[str, ...]:
        """Return HAProxy's words that test its absence; empty where it is never absent."""
        return tuple(word.replace("{key}", self.key) for word in self.variable.absent_at_door)


@dataclass(frozen=True, kw_only=True)
class Compares:
    """A text compared with one of several written ones; true where any fits."""

    reads: Reads
    operator: Operator
    texts: tuple[str, ...]

    @property
    def accepts_nothing(self) -> bool:
        """Whether an empty or absent text fits."""
        if self.operator is Operator.MATCHES:
            return any(is_found(text, "") for text in self.texts)
        return "" in self.texts


@dataclass(frozen=True, kw_only=True)
class Not:
    """Negation."""

    operand: Expression


@dataclass(frozen=True, kw_only=True)
class All:
    """Conjunction."""

    operands: tuple[Expression, ...]


@dataclass(frozen=True, kw_only=True)
class Any:
    """Disjunction."""

    operands: tuple[Expression, ...]


Test: TypeAlias = Constant | SwitchIsOn | IsListed | IsWithin | Compares
Expression: TypeAlias = Test | Not | All | Any


def walk_tests(expression: Expression) -> Iterator[Test]:
    """Yield every test of the tree, from left to right."""
    match expression:
        case Not(operand=operand):
            yield from walk_tests(operand)
        case All(operands=operands) | Any(operands=operands):
            for operand in operands:
                yield from walk_tests(operand)
        case _:
            yield expression


def join_all(operands: tuple[Expression, ...]) -> All:
    """Return the conjunction, with conjunctions among its operands opened up."""
    return All(
        operands=tuple(
            part
            for operand in operands
            for part in (operand.operands if isinstance(operand, All) else (operand,))
        )
    )


def join_any(operands: tuple[Expression, ...]) -> Any:
    """Return the disjunction, with disjunctions among its operands opened up."""
    return Any(
        operands=tuple(
            part
            for operand in operands
            for part in (operand.operands if isinstance(operand, Any) else (operand,))
        )
    )
