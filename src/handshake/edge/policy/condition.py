"""Turns CEL forms into a typed expression: checks names and types, and reports every fault at once."""

from __future__ import annotations

import difflib
import ipaddress
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from handshake.edge.policy.cel import (
    CelCall,
    CelLiteral,
    CelPosition,
    Fault,
    Form,
    ListLiteral,
    Name,
    Unsupported,
    parse_cel,
)
from handshake.edge.policy.declarations import ListKind
from handshake.edge.policy.expression import (
    ComparisonOperator,
    Constant,
    Expression,
    IsListed,
    IsWithin,
    Not,
    NumberComparison,
    Relation,
    SwitchIsOn,
    TextComparison,
    VariableRef,
    find_pattern_fault,
    join_all,
    join_any,
)
from handshake.edge.policy.request import is_stripped
from handshake.edge.policy.variables import (
    BY_NAME,
    REQUEST_ARM,
    REQUEST_COOKIE,
    REQUEST_HEADER,
    Phase,
    Type,
    Variable,
)

_METHODS = {operator.value for operator in ComparisonOperator} - {ComparisonOperator.EQUALS.value}
_FAULTY = Constant(value=False)
_SWITCH = "switch."
_LIST = "list."
_KEYS = {
    REQUEST_HEADER: re.compile(r"[A-Za-z][A-Za-z0-9_-]{0,59}"),
    REQUEST_COOKIE: re.compile(r"[A-Za-z0-9_.-]{1,60}"),
}
"""What every dialect can write without quotes."""
_RELATIONS = {relation.value for relation in Relation} - {Relation.EQUALS.value}
_COMPARISONS = _RELATIONS | _METHODS
_MIRRORED = {
    Relation.BELOW: Relation.ABOVE,
    Relation.AT_MOST: Relation.AT_LEAST,
    Relation.ABOVE: Relation.BELOW,
    Relation.AT_LEAST: Relation.AT_MOST,
}
_LARGEST_NUMBER = 2**31 - 1
_PLURAL = {Type.TEXT: "texts", Type.ADDRESS: "addresses"}
_ARTICLE = {Type.TEXT: "a text", Type.NUMBER: "a number", Type.ADDRESS: "an address"}
_EXAMPLE = {Type.NUMBER: "> 100", Type.ADDRESS: 'in ["192.0.2.0/24"]'}
_DECLARE = {
    "switch": "Declare it in edge.toml: [switches.{name}]",
    "list": "Declare it in edge.toml: [lists.{name}]",
    "split": "Use the name of a rule with `split` above this one.",
}


@dataclass(frozen=True, kw_only=True)
class Declared:
    """The names that a policy declares."""

    switches: frozenset[str] = frozenset()
    lists: Mapping[str, ListKind] = field(default_factory=dict)
    arms: frozenset[str] = frozenset()
    """The names of rules with `split` above the one whose condition is read."""


def parse_condition(text: str, declared: Declared, phase: Phase) -> tuple[Expression, tuple[Fault, ...]]:
    """Return the expression of the CEL text, and all of its faults; with faults, the expression is meaningless."""
    form = parse_cel(text)
    if isinstance(form, Fault):
        return _FAULTY, (form,)
    reader = _Reader(declared=declared, phase=phase)
    expression = reader.read_truth(form)
    return expression, tuple(reader.faults)


def parse_variable(
    text: str, declared: Declared, phase: Phase
) -> tuple[VariableRef | None, tuple[Fault, ...]]:
    """Return the variable that a text names, and all faults; None if it names none."""
    form = parse_cel(text)
    if isinstance(form, Fault):
        return None, (form,)
    reader = _Reader(declared=declared, phase=phase)
    reads = reader.read_variable(form)
    return reads, tuple(reader.faults)


@dataclass(kw_only=True)
class _Reader:
    declared: Declared
    phase: Phase
    faults: list[Fault] = field(default_factory=list)

    def read_truth(self, form: Form) -> Expression:  # noqa: PLR0911 -- one return for each form of truth
        """Read a form that must be a boolean."""
        match form:
            case CelLiteral(value=bool() as value):
                return Constant(value=value)
            case CelCall(function="!", operands=(operand,)):
                return Not(operand=self.read_truth(operand))
            case CelCall(function="&&", operands=operands):
                return join_all(tuple(self.read_truth(operand) for operand in operands))
            case CelCall(function="||", operands=operands):
                return join_any(tuple(self.read_truth(operand) for operand in operands))
            case CelCall(function="==", operands=(left, right)):
                return self._read_equality(left, right, form.place)
            case CelCall(function="!=", operands=(left, right)):
                return Not(operand=self._read_equality(left, right, form.place))
            case CelCall(function="in", operands=(left, right)):
                return self._read_membership(left, right)
            case CelCall(function=function, operands=(left, right)) if function in _COMPARISONS:
                return self._read_other(function, left, right)
            case Name(dotted=dotted) if dotted.startswith(_SWITCH):
                return self._read_switch(dotted.removeprefix(_SWITCH), form.place)
            case _:
                return self._refuse_truth(form)

    def _read_other(self, function: str, left: Form, right: Form) -> Expression:
        if function in _RELATIONS:
            return self._read_order(Relation(function), left, right)
        return self._read_method(ComparisonOperator(function), left, right)

    def _read_switch(self, name: str, place: CelPosition) -> Expression:
        self._check_declared("switch", name, self.declared.switches, place)
        return SwitchIsOn(name=name)

    def _read_equality(self, left: Form, right: Form, place: CelPosition) -> Expression:
        if isinstance(left, CelLiteral):
            left, right = right, left
        if not isinstance(right, CelLiteral):
            return self._refuse(
                "edge-unsupported",
                "two variables cannot be compared with each other",
                'Compare with a literal: request.method == "POST"',
                place,
            )
        return self._read_comparison(left, (right,))

    def _read_membership(self, left: Form, right: Form) -> Expression:
        match right:
            case Name(dotted=dotted) if dotted.startswith(_LIST):
                return self._read_listed(left, dotted.removeprefix(_LIST), right.place)
            case ListLiteral(items=items) if items:
                return self._read_comparison(left, items)
            case _:
                return self._refuse(
                    "edge-wrong-type",
                    "the right side of `in` is neither a list nor an array of texts",
                    'Write `in list.NAME` or `in ["US", "PR"]`.',
                    right.place,
                )

    def _read_order(self, relation: Relation, left: Form, right: Form) -> Expression:
        if isinstance(left, CelLiteral):
            left, right, relation = right, left, _MIRRORED[relation]
        reads = self.read_variable(left)
        if reads and reads.variable.type is not Type.NUMBER:
            return self._refuse(
                "edge-wrong-type",
                f"{reads.name} is not a number and cannot be ordered",
                "Compare it with == or one of its methods.",
                left.place,
            )
        return self._measure(reads, relation, (right,))

    def _read_listed(self, left: Form, name: str, place: CelPosition) -> Expression:
        self._check_declared("list", name, frozenset(self.declared.lists), place)
        reads = self.read_variable(left)
        kind = self.declared.lists.get(name)
        if reads is None or kind is None:
            return _FAULTY
        wanted = Type.TEXT if kind is ListKind.TEXT else Type.ADDRESS
        if reads.variable.type is not wanted:
            example = "request.user_agent" if wanted is Type.TEXT else "client.ip"
            return self._refuse(
                "edge-wrong-type",
                f"{reads.name} is {_ARTICLE[reads.variable.type]}, but list {name} contains {_PLURAL[wanted]}",
                f"Write: {example} in list.{name}",
                left.place,
            )
        return IsListed(name=name, reads=reads)

    def _read_comparison(self, left: Form, items: Iterable[Form]) -> Expression:
        reads = self.read_variable(left)
        if reads and reads.variable.type is Type.NUMBER:
            return self._measure(reads, Relation.EQUALS, items)
        texts = tuple(text for item in items for text in self._read_text(item))
        if not reads:
            return _FAULTY
        if reads.variable.type is Type.ADDRESS:
            return IsWithin(networks=self._read_networks(texts, left.place))
        return TextComparison(reads=reads, operator=ComparisonOperator.EQUALS, texts=texts)

    def _measure(self, reads: VariableRef | None, relation: Relation, items: Iterable[Form]) -> Expression:
        numbers = tuple(number for item in items for number in self._read_number(item))
        return (
            NumberComparison(reads=reads, relation=relation, numbers=numbers)
            if reads and numbers
            else _FAULTY
        )

    def _read_method(self, operator: ComparisonOperator, receiver: Form, argument: Form) -> Expression:
        reads = self.read_variable(receiver)
        texts = tuple(self._read_text(argument))
        if not reads or not texts:
            return _FAULTY
        if reads.variable.type is not Type.TEXT:
            return self._refuse(
                "edge-wrong-type",
                f"{reads.name} is {_ARTICLE[reads.variable.type]} and does not support {operator}",
                f"Write: {reads.name} {_EXAMPLE[reads.variable.type]}",
                receiver.place,
            )
        return self._compare(operator, reads, texts[0], argument.place)

    def _compare(
        self, operator: ComparisonOperator, reads: VariableRef, text: str, place: CelPosition
    ) -> Expression:
        fault = find_pattern_fault(text) if operator is ComparisonOperator.MATCHES else ""
        if fault:
            return self._refuse(
                "edge-pattern",
                f"the pattern {text!r}: {fault}",
                "Use only syntax that RE2 and PCRE2 share.",
                place,
            )
        if not text:
            return Constant(value=True)
        return TextComparison(reads=reads, operator=operator, texts=(text,))

    def read_variable(self, form: Form) -> VariableRef | None:
        """Read a form that must be a variable; None if it is not."""
        key = ""
        place = form.place
        if isinstance(form, CelCall) and form.function == "[]":
            form, bracketed = form.operands
            key = "".join(self._read_text(bracketed))
        if not isinstance(form, Name):
            self._refuse_truth(form)
            return None
        variable = BY_NAME.get(form.dotted)
        if variable is None or variable.has_key != bool(key):
            self._refuse_name(form.dotted, place)
            return None
        if self.phase not in variable.phases:
            self._refuse_phase(variable.name, place)
        return self._read_key(variable, key, place)

    def _read_key(self, variable: Variable, key: str, place: CelPosition) -> VariableRef | None:
        match variable:
            case _ if variable is REQUEST_ARM:
                self._check_declared("split", key, self.declared.arms, place)
            case _ if key and not _KEYS[variable].fullmatch(key):
                self._refuse_key(key, place)
                return None
            case _ if variable is REQUEST_HEADER:
                key = key.lower()
                if is_stripped(key):
                    self._refuse_header(key, place)
        return VariableRef(variable=variable, key=key)

    def _read_text(self, form: Form) -> list[str]:
        if isinstance(form, CelLiteral) and isinstance(form.value, str) and form.value.isprintable():
            return [form.value]
        self._refuse(
            "edge-wrong-type",
            "a string literal of printable characters is expected here",
            'Write it in quotes: "POST"',
            form.place,
        )
        return []

    def _read_number(self, form: Form) -> list[int]:
        if isinstance(form, CelLiteral) and type(form.value) is int and 0 <= form.value <= _LARGEST_NUMBER:
            return [form.value]
        self._refuse(
            "edge-wrong-type",
            f"a number literal from 0 to {_LARGEST_NUMBER} is expected here",
            "Write it without quotes: request.size > 65536",
            form.place,
        )
        return []

    def _read_networks(self, texts: tuple[str, ...], place: CelPosition) -> tuple[str, ...]:
        return tuple(network for text in texts for network in self._read_network(text, place))

    def _read_network(self, text: str, place: CelPosition) -> list[str]:
        try:
            return [str(ipaddress.ip_network(text))]
        except ValueError as error:
            self._refuse(
                "edge-bad-address",
                str(error),
                "For example: 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32.",
                place,
            )
            return []

    def _check_declared(self, kind: str, name: str, declared: frozenset[str], place: CelPosition) -> None:
        if name not in declared:
            hint = _suggest(name, declared, _DECLARE[kind].format(name=name))
            self._refuse(f"edge-unknown-{kind}", f"{kind} {name} is not declared", hint, place)

    def _refuse_name(self, name: str, place: CelPosition) -> None:
        hint = _suggest(name, BY_NAME, f"Variables: {', '.join(BY_NAME)}, switch.NAME.")
        if name in BY_NAME and BY_NAME[name].has_key:
            hint = f'Specify which one: {name}["name"]'
        self._refuse("edge-unknown-variable", f"{name} is not a variable", hint, place)

    def _refuse_phase(self, name: str, place: CelPosition) -> None:
        self._refuse(
            "edge-variable-phase",
            f"{name} is not available in phase {self.phase}",
            'It is available at the cache: phase = "serve".',
            place,
        )

    def _refuse_key(self, key: str, place: CelPosition) -> None:
        self._refuse(
            "edge-bad-key",
            f"{key!r} is not a valid name of a header or a cookie",
            "Use letters, digits and hyphens; cookie names may also contain `_` and `.`.",
            place,
        )

    def _refuse_header(self, header: str, place: CelPosition) -> None:
        self._refuse(
            "edge-stripped-header",
            f"the ingress strips {header} from every request, because any client can set it",
            "Use client.ip or client.country: they come from the connection and from trusted proxies.",
            place,
        )

    def _refuse_truth(self, form: Form) -> Expression:
        match form:
            case Unsupported(what=what):
                return self._refuse(
                    "edge-unsupported",
                    f"edge rules do not support CEL's {what}",
                    "docs/reference/edge-policy.md lists what they support.",
                    form.place,
                )
            case Name(dotted=dotted) if dotted not in BY_NAME:
                self._refuse_name(dotted, form.place)
                return _FAULTY
            case CelCall(function=function) if function not in {
                "&&",
                "||",
                "!",
                "==",
                "!=",
                "in",
                "[]",
                *_RELATIONS,
                *_METHODS,
            }:
                hint = _suggest(function, _METHODS, f"Methods: {', '.join(sorted(_METHODS))}.")
                return self._refuse(
                    "edge-unsupported", f"{function} is not a supported method", hint, form.place
                )
            case _:
                return self._refuse(
                    "edge-wrong-type",
                    "unexpected expression",
                    'Compare a variable with a literal: request.method == "POST"',
                    form.place,
                )

    def _refuse(self, check: str, what: str, hint: str, place: CelPosition) -> Expression:
        self.faults.append(Fault(check=check, what=what, hint=hint, line=place.line, column=place.column))
        return _FAULTY


def _suggest(name: str, known: Iterable[str], otherwise: str) -> str:
    nearest = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"Did you mean {nearest[0]}?" if nearest else otherwise
