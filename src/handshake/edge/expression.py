"""A condition as a typed tree: what CEL text becomes, and what every dialect is printed from."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from handshake.edge.dialect import Dialect
from handshake.edge.pattern import is_found
from handshake.edge.variables import CLIENT_IP, Variable


class Operator(StrEnum):
    """How a text is compared; named as in CEL."""

    EQUALS = "=="
    STARTS_WITH = "startsWith"
    ENDS_WITH = "endsWith"
    CONTAINS = "contains"
    MATCHES = "matches"


class Relation(StrEnum):
    """How a number is compared; named as in CEL."""

    EQUALS = "=="
    BELOW = "<"
    AT_MOST = "<="
    ABOVE = ">"
    AT_LEAST = ">="


@dataclass(frozen=True, kw_only=True)
class Constant:
    """`true` or `false`."""

    value: bool


@dataclass(frozen=True, kw_only=True)
class SwitchIsOn:
    """`switch.NAME`."""

    name: str


@dataclass(frozen=True, kw_only=True)
class Reads:
    """A variable, with its key where it has one."""

    variable: Variable
    key: str = ""

    @property
    def name(self) -> str:
        """The variable as a policy spells it."""
        return f'{self.variable.name}["{self.key}"]' if self.key else self.variable.name

    @property
    def word(self) -> str:
        """The key in letters, digits and `_` alone; different keys stay different."""
        return re.sub(r"[^A-Za-z0-9]", lambda found: f"_{ord(found[0]):02x}", self.key)

    def spell(self, dialect: Dialect) -> str:
        """Return the text that reads it in the dialect."""
        text = self.variable.reads[dialect].replace("{key}", self.key).replace("{word}", self.word)
        return text.replace("{pattern}", re.escape(self.key))

    def spell_absence(self) -> tuple[str, ...]:
        """Return HAProxy's words that test its absence; empty where it is never absent."""
        return tuple(word.replace("{key}", self.key) for word in self.variable.absent_at_door)


@dataclass(frozen=True, kw_only=True)
class IsListed:
    """`client.ip in list.NAME`, or a text in a list of texts: `request.user_agent in list.NAME`."""

    name: str
    reads: Reads = Reads(variable=CLIENT_IP)

    @property
    def label(self) -> str:
        """A word for this look: the list's name, and what is looked up where that is no address."""
        if self.reads.variable is CLIENT_IP:
            return self.name
        its = self.reads.variable.name.partition(".")[2]
        return ".".join(filter(None, (self.name, its, self.reads.word)))


@dataclass(frozen=True, kw_only=True)
class IsWithin:
    """`client.ip in ["192.0.2.0/24", ...]`, or `== "192.0.2.1"`."""

    networks: tuple[str, ...]


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
class Measures:
    """A number compared with a written one; with `==`, with one of several."""

    reads: Reads
    relation: Relation
    numbers: tuple[int, ...]


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


Test: TypeAlias = Constant | SwitchIsOn | IsListed | IsWithin | Compares | Measures
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


def walk_reads(expression: Expression) -> Iterator[Reads]:
    """Yield every variable that the tree reads, from left to right."""
    for test in walk_tests(expression):
        match test:
            case IsListed(reads=reads) | Compares(reads=reads) | Measures(reads=reads):
                yield reads
            case IsWithin():
                yield Reads(variable=CLIENT_IP)
            case _:
                pass


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
