"""A condition as a typed tree: printed as CEL, expanded into alternatives, and printed in every dialect."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import StrEnum
from itertools import product
from math import prod
from typing import TypeAlias

import re2

from handshake.edge.policy.cel import Fault
from handshake.edge.policy.variables import CLIENT_IP, EdgeDialect, Variable


class ComparisonOperator(StrEnum):
    """How a text is compared; names as in CEL."""

    EQUALS = "=="
    STARTS_WITH = "startsWith"
    ENDS_WITH = "endsWith"
    CONTAINS = "contains"
    MATCHES = "matches"


class Relation(StrEnum):
    """How a number is compared; names as in CEL."""

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
class VariableRef:
    """A variable, with its key if it has one."""

    variable: Variable
    key: str = ""

    @property
    def name(self) -> str:
        """The variable as written in a policy."""
        return f'{self.variable.name}["{self.key}"]' if self.key else self.variable.name

    @property
    def word(self) -> str:
        """The key as an identifier of letters, digits and `_`; different keys stay different."""
        return re.sub(r"[^A-Za-z0-9]", lambda found: f"_{ord(found[0]):02x}", self.key)

    def spell(self, dialect: EdgeDialect) -> str:
        """Return the code that reads it in the dialect."""
        text = self.variable.reads[dialect].replace("{key}", self.key).replace("{word}", self.word)
        return text.replace("{pattern}", re.escape(self.key))

    def spell_absence(self) -> tuple[str, ...]:
        """Return HAProxy's words that test its absence; empty if it is never absent."""
        return tuple(word.replace("{key}", self.key) for word in self.variable.absent_at_ingress)


@dataclass(frozen=True, kw_only=True)
class IsListed:
    """`client.ip in list.NAME`, or a string in a list of strings: `request.user_agent in list.NAME`."""

    name: str
    reads: VariableRef = VariableRef(variable=CLIENT_IP)

    @property
    def label(self) -> str:
        """An identifier of this lookup: the list's name, and the variable if it is not an address."""
        if self.reads.variable is CLIENT_IP:
            return self.name
        its = self.reads.variable.name.partition(".")[2]
        return ".".join(filter(None, (self.name, its, self.reads.word)))


@dataclass(frozen=True, kw_only=True)
class IsWithin:
    """`client.ip in ["192.0.2.0/24", ...]`, or `== "192.0.2.1"`."""

    networks: tuple[str, ...]


@dataclass(frozen=True, kw_only=True)
class TextComparison:
    """A text compared with one of several literals; true if any matches."""

    reads: VariableRef
    operator: ComparisonOperator
    texts: tuple[str, ...]

    @property
    def accepts_nothing(self) -> bool:
        """Whether an empty or absent text matches."""
        if self.operator is ComparisonOperator.MATCHES:
            return any(is_found(text, "") for text in self.texts)
        return "" in self.texts


@dataclass(frozen=True, kw_only=True)
class NumberComparison:
    """A number compared with a literal; with `==`, with one of several."""

    reads: VariableRef
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


Test: TypeAlias = Constant | SwitchIsOn | IsListed | IsWithin | TextComparison | NumberComparison
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


def walk_reads(expression: Expression) -> Iterator[VariableRef]:
    """Yield every variable that the tree reads, from left to right."""
    for test in walk_tests(expression):
        match test:
            case IsListed(reads=reads) | TextComparison(reads=reads) | NumberComparison(reads=reads):
                yield reads
            case IsWithin():
                yield VariableRef(variable=CLIENT_IP)
            case _:
                pass


def join_all(operands: tuple[Expression, ...]) -> All:
    """Return the conjunction, with nested conjunctions flattened."""
    return All(
        operands=tuple(
            part
            for operand in operands
            for part in (operand.operands if isinstance(operand, All) else (operand,))
        )
    )


def join_any(operands: tuple[Expression, ...]) -> Any:
    """Return the disjunction, with nested disjunctions flattened."""
    return Any(
        operands=tuple(
            part
            for operand in operands
            for part in (operand.operands if isinstance(operand, Any) else (operand,))
        )
    )


# Typed conditions -> CEL text, for people and for CEL's own evaluator.


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
        case TextComparison(reads=reads, operator=operator, texts=texts):
            return _print_comparison(reads.name, operator, texts)
        case NumberComparison(reads=reads, relation=relation, numbers=numbers):
            written = tuple(map(str, numbers))
            is_equality = relation is Relation.EQUALS
            return _compare(reads.name, written) if is_equality else f"{reads.name} {relation} {written[0]}"


def _print_comparison(name: str, operator: ComparisonOperator, texts: tuple[str, ...]) -> str:
    if operator is ComparisonOperator.EQUALS:
        return _compare(name, map(_quote, texts))
    return " || ".join(f"{name}.{operator}({_quote(text)})" for text in texts)


def _compare(name: str, values: Iterable[str]) -> str:
    written = tuple(values)
    return f"{name} == {written[0]}" if len(written) == 1 else f"{name} in [{', '.join(written)}]"


def _quote(text: str) -> str:
    return json.dumps(text, ensure_ascii=False)


# Conditions as alternatives of conjunctions: the only form that HAProxy's `if A B or C !D` can express.

MOST_ALTERNATIVES = 32
_MOST_WORDS = 50
"""HAProxy reads 64 words per line, and some of them precede the condition."""


@dataclass(frozen=True, kw_only=True)
class Literal:
    """A test, or its negation."""

    test: Test
    is_negated: bool = False


Conjunction: TypeAlias = tuple[Literal, ...]


def to_alternatives(expression: Expression, *, is_negated: bool = False) -> tuple[Conjunction, ...]:
    """Return the conjunctions of which at least one must hold; an empty result means never."""
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
    """Return a fault if the ingress would have to try too many alternatives."""
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
    """Return an upper bound of the number of conjunctions from `to_alternatives`, without building them."""
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


# Patterns: the subset of regular expressions that RE2 and PCRE2 read alike.

_TOLD_DIFFERENTLY = re.compile(r"(?<!\\)(?:\\\\)*(\\[^\W_bBdDsSwW])")
_GROUP = re.compile(r"(?<!\\)(?:\\\\)*\((\?(?!:)[^)]*\)?)")
_IGNORE_CASE = "(?i)"


def find_pattern_fault(pattern: str) -> str:
    """Return what is wrong with a pattern as a sentence, or an empty text."""
    if not pattern.isascii() or not pattern.isprintable():
        return "it contains characters outside printable ASCII, which one engine reads as bytes"
    if found := _TOLD_DIFFERENTLY.search(pattern):
        return f"{found[1]} has different meanings in RE2 and PCRE2"
    if found := _GROUP.search(pattern.removeprefix(_IGNORE_CASE)):
        return f"({found[1]} has different meanings in RE2 and PCRE2, or is unknown to one of them"
    return _find_syntax_fault(pattern)


def is_found(pattern: str, text: str) -> bool:
    """Return whether the pattern matches anywhere in the text."""
    return re2.search(pattern, text) is not None


def _find_syntax_fault(pattern: str) -> str:
    options = re2.Options()
    options.log_errors = False
    try:
        re2.compile(pattern, options)
    except re2.error as error:
        return f"RE2 says: {error.args[0].decode() if isinstance(error.args[0], bytes) else error}"
    return ""
