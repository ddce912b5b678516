"""Forms -> a typed expression: which names exist, what may be compared with what; every fault at once."""

from __future__ import annotations

import difflib
import ipaddress
from collections.abc import Iterable
from dataclasses import dataclass, field

from handshake.edge.cel import Call, Form, Items, Name, Place, Unsupported, Written, parse_cel
from handshake.edge.expression import (
    Compares,
    Constant,
    Expression,
    IsListed,
    IsWithin,
    Not,
    Operator,
    Reads,
    SwitchIsOn,
    join_all,
    join_any,
)
from handshake.edge.fault import Fault
from handshake.edge.identity import is_stripped
from handshake.edge.pattern import find_pattern_fault
from handshake.edge.variables import BY_NAME, CLIENT_IP, Type

_METHODS = {operator.value for operator in Operator} - {Operator.EQUALS.value}
_FAULTY = Constant(value=False)
_SWITCH = "switch."
_LIST = "list."


@dataclass(frozen=True, kw_only=True)
class Declared:
    """The names that a policy declares."""

    switches: frozenset[str] = frozenset()
    lists: frozenset[str] = frozenset()


def parse_condition(text: str, declared: Declared) -> tuple[Expression, tuple[Fault, ...]]:
    """Return what the CEL text means, and all of its faults; with faults, the expression means nothing."""
    form = parse_cel(text)
    if isinstance(form, Fault):
        return _FAULTY, (form,)
    reader = _Reader(declared=declared)
    expression = reader.read_truth(form)
    return expression, tuple(reader.faults)


@dataclass(kw_only=True)
class _Reader:
    declared: Declared
    faults: list[Fault] = field(default_factory=list)

    def read_truth(self, form: Form) -> Expression:  # noqa: PLR0911 -- one return for each form of truth
        """Read a form that must be true or false."""
        match form:
            case Written(value=bool() as value):
                return Constant(value=value)
            case Call(function="!", operands=(operand,)):
                return Not(operand=self.read_truth(operand))
            case Call(function="&&", operands=operands):
                return join_all(tuple(self.read_truth(operand) for operand in operands))
            case Call(function="||", operands=operands):
                return join_any(tuple(self.read_truth(operand) for operand in operands))
            case Call(function="==", operands=(left, right)):
                return self._read_equality(left, right, form.place)
            case Call(function="!=", operands=(left, right)):
                return Not(operand=self._read_equality(left, right, form.place))
            case Call(function="in", operands=(left, right)):
                return self._read_membership(left, right)
            case Call(function=function, operands=(receiver, argument)) if function in _METHODS:
                return self._read_method(Operator(function), receiver, argument)
            case Name(dotted=dotted) if dotted.startswith(_SWITCH):
                return self._read_switch(dotted.removeprefix(_SWITCH), form.place)
            case _:
                return self._refuse_truth(form)

    def _read_switch(self, name: str, place: Place) -> Expression:
        self._check_declared("switch", name, self.declared.switches, place)
        return SwitchIsOn(name=name)

    def _read_equality(self, left: Form, right: Form, place: Place) -> Expression:
        if isinstance(left, Written):
            left, right = right, left
        if not isinstance(right, Written):
            return self._refuse(
                "edge-unsupported",
                "two values that are both unknown are compared",
                'Compare with a written text: request.method == "POST"',
                place,
            )
        return self._read_comparison(left, (right,))

    def _read_membership(self, left: Form, right: Form) -> Expression:
        match right:
            case Name(dotted=dotted) if dotted.startswith(_LIST):
                return self._read_listed(left, dotted.removeprefix(_LIST), right.place)
            case Items(items=items) if items:
                return self._read_comparison(left, items)
            case _:
                return self._refuse(
                    "edge-wrong-type",
                    "what stands behind `in` is neither a list nor a row of texts",
                    'Write `in list.NAME` or `in ["US", "PR"]`.',
                    right.place,
                )

    def _read_listed(self, left: Form, name: str, place: Place) -> Expression:
        self._check_declared("list", name, self.declared.lists, place)
        reads = self._read_variable(left)
        if reads and reads.variable is not CLIENT_IP:
            return self._refuse(
                "edge-wrong-type",
                f"{reads.variable.name} is a text, and list {name} holds addresses",
                f"Write: client.ip in list.{name}",
                left.place,
            )
        return IsListed(name=name)

    def _read_comparison(self, left: Form, items: Iterable[Form]) -> Expression:
        reads = self._read_variable(left)
        texts = tuple(text for item in items for text in self._read_text(item))
        if not reads:
            return _FAULTY
        if reads.variable.type is Type.ADDRESS:
            return IsWithin(networks=self._read_networks(texts, left.place))
        return Compares(reads=reads, operator=Operator.EQUALS, texts=texts)

    def _read_method(self, operator: Operator, receiver: Form, argument: Form) -> Expression:
        reads = self._read_variable(receiver)
        texts = tuple(self._read_text(argument))
        if not reads or not texts:
            return _FAULTY
        if reads.variable.type is not Type.TEXT:
            return self._refuse(
                "edge-wrong-type",
                f"{reads.variable.name} is an address and has no {operator}",
                f'Write: {reads.variable.name} in ["192.0.2.0/24"]',
                receiver.place,
            )
        return self._compare(operator, reads, texts[0], argument.place)

    def _compare(self, operator: Operator, reads: Reads, text: str, place: Place) -> Expression:
        fault = find_pattern_fault(text) if operator is Operator.MATCHES else ""
        if fault:
            return self._refuse(
                "edge-pattern", f"the pattern {text!r}: {fault}", "Use what RE2 and PCRE2 share.", place
            )
        if not text and operator is not Operator.MATCHES:
            return Constant(value=True)
        return Compares(reads=reads, operator=operator, texts=(text,))

    def _read_variable(self, form: Form) -> Reads | None:
        key = ""
        place = form.place
        if isinstance(form, Call) and form.function == "[]":
            form, bracketed = form.operands
            key = "".join(self._read_text(bracketed))
        if not isinstance(form, Name):
            self._refuse_truth(form)
            return None
        variable = BY_NAME.get(form.dotted)
        if variable is None or variable.has_key != bool(key):
            self._refuse_name(form.dotted, place)
            return None
        if key and is_stripped(key):
            self._refuse_header(key, place)
        return Reads(variable=variable, key=key.lower())

    def _read_text(self, form: Form) -> list[str]:
        if isinstance(form, Written) and isinstance(form.value, str) and form.value.isprintable():
            return [form.value]
        self._refuse(
            "edge-wrong-type",
            "a written text of printable characters is expected here",
            'Write it in quotes: "POST"',
            form.place,
        )
        return []

    def _read_networks(self, texts: tuple[str, ...], place: Place) -> tuple[str, ...]:
        return tuple(network for text in texts for network in self._read_network(text, place))

    def _read_network(self, text: str, place: Place) -> list[str]:
        try:
            return [str(ipaddress.ip_network(text))]
        except ValueError as error:
            self._refuse(
                "edge-bad-address", str(error), "Write 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32.", place
            )
            return []

    def _check_declared(self, kind: str, name: str, declared: frozenset[str], place: Place) -> None:
        if name not in declared:
            hint = _suggest(name, declared, f"Declare it: [{kind}{'es' if kind == 'switch' else 's'}.{name}]")
            self._refuse(f"edge-unknown-{kind}", f"{kind} {name} is not declared", hint, place)

    def _refuse_name(self, name: str, place: Place) -> None:
        hint = _suggest(name, BY_NAME, f"There are: {', '.join(BY_NAME)}, switch.NAME.")
        if name == "request.header":
            hint = 'Name the header: request.header["accept"]'
        self._refuse("edge-unknown-variable", f"{name} is no variable", hint, place)

    def _refuse_header(self, header: str, place: Place) -> None:
        self._refuse(
            "edge-stripped-header",
            f"the door takes {header} off every request, because anybody can write it",
            "Use client.ip or client.country: they come from the connection and from trusted proxies.",
            place,
        )

    def _refuse_truth(self, form: Form) -> Expression:
        match form:
            case Unsupported(what=what):
                return self._refuse(
                    "edge-unsupported",
                    f"CEL's {what} is not for edge rules",
                    "docs/edge.md lists what is.",
                    form.place,
                )
            case Name(dotted=dotted) if dotted not in BY_NAME:
                self._refuse_name(dotted, form.place)
                return _FAULTY
            case Call(function=function) if function not in {
                "&&",
                "||",
                "!",
                "==",
                "!=",
                "in",
                "[]",
                *_METHODS,
            }:
                hint = _suggest(function, _METHODS, f"There are: {', '.join(sorted(_METHODS))}.")
                return self._refuse("edge-unsupported", f"{function} is no method here", hint, form.place)
            case _:
                return self._refuse(
                    "edge-wrong-type",
                    "this is not what is expected here",
                    'Compare a variable with a written text: request.method == "POST"',
                    form.place,
                )

    def _refuse(self, check: str, what: str, hint: str, place: Place) -> Expression:
        self.faults.append(Fault(check=check, what=what, hint=hint, line=place.line, column=place.column))
        return _FAULTY


def _suggest(name: str, known: Iterable[str], otherwise: str) -> str:
    nearest = difflib.get_close_matches(name, list(known), n=1, cutoff=0.5)
    return f"Did you mean {nearest[0]}?" if nearest else otherwise
