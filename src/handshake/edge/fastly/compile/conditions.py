"""Conditions and cookies in Fastly's VCL."""

from __future__ import annotations

from dataclasses import dataclass, field

from handshake.edge.fastly.compile.containers import SWITCHES, name_shards
from handshake.edge.fastly.compile.target import FastlyTarget
from handshake.edge.ingress.compile.maps import FOREVER, name_return
from handshake.edge.policy.expression import (
    All,
    Any,
    ComparisonOperator,
    Constant,
    Expression,
    IsListed,
    IsWithin,
    Not,
    NumberComparison,
    SwitchIsOn,
    TextComparison,
    VariableRef,
)
from handshake.edge.policy.networks import parse_network, print_network
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.variables import REQUEST_COOKIE, EdgeDialect, Type
from handshake.syntax.fastly_vcl import acl, quote
from handshake.syntax.vcl import Block, escape_pattern

NOW = "var.now"
"""The local variable with the time, in seconds since the epoch."""


@dataclass(kw_only=True)
class FastlyConditionPrinter:
    """Prints one rule's condition, and collects the ACLs that belong to the release."""

    policy: EdgePolicy
    target: FastlyTarget
    rule: str
    acls: list[Block] = field(default_factory=list)

    def print_condition(self, expression: Expression) -> str:  # noqa: PLR0911 -- one return for each kind
        """Return an expression of type BOOL."""
        match expression:
            case Constant(value=value):
                # Fastly takes no bare literal as a condition.
                return "req.restarts >= 0" if value else "req.restarts < 0"
            case Not(operand=operand):
                return f"!({self.print_condition(operand)})"
            case All(operands=operands):
                return self._join(" && ", operands)
            case Any(operands=operands):
                return self._join(" || ", operands)
            case SwitchIsOn(name=name):
                return _print_switch(name)
            case IsListed():
                return self._print_listed(expression)
            case IsWithin(networks=networks):
                return f"client.ip ~ {self._declare_acl(networks)}"
            case TextComparison():
                return _compare(expression)
            case NumberComparison(reads=reads, relation=relation, numbers=numbers):
                spelled = reads.spell(EdgeDialect.FASTLY)
                return _either([f"{spelled} {relation} {number}" for number in numbers])

    def _join(self, operator: str, operands: tuple[Expression, ...]) -> str:
        return "(" + operator.join(self.print_condition(operand) for operand in operands) + ")"

    def _print_listed(self, listed: IsListed) -> str:
        if listed.reads.variable.type is Type.TEXT:
            return self._print_text_listed(listed)
        held = _either([f"client.ip ~ {shard}" for shard in name_shards(listed.name, self.target)])
        networks = next(its.protected for its in self.policy.lists if its.name == listed.name)
        if not networks:
            return held
        spared = self._declare_acl(tuple(print_network(network) for network in networks))
        return f"({held} && !(client.ip ~ {spared}))"

    def _print_text_listed(self, listed: IsListed) -> str:
        reads = listed.reads.spell(EdgeDialect.FASTLY)
        tests = [
            f'std.atoi(table.lookup({shard}, digest.hash_sha256({reads}), "0")) > {NOW}'
            for shard in name_shards(listed.name, self.target)
        ]
        texts = next(its.protected for its in self.policy.text_lists if its.name == listed.name)
        if not texts:
            return _either(tests)
        spared = _compare(TextComparison(reads=listed.reads, operator=ComparisonOperator.EQUALS, texts=texts))
        return f"({_either(tests)} && !({spared}))"

    def _declare_acl(self, networks: tuple[str, ...]) -> str:
        name = f"hs_{self.rule.replace('-', '_')}_{len(self.acls) + 1}"
        parsed = (parse_network(text) for text in networks)
        self.acls.append(acl(name, ((str(its.network_address), its.prefixlen) for its in parsed)))
        return name


def _print_switch(name: str) -> str:
    """A switch is on while its lease lasts, and from its return on."""
    lease = f'std.atoi(table.lookup({SWITCHES}, "{name}", "0"))'
    returns = f'std.atoi(table.lookup({SWITCHES}, "{name_return(name)}", "{FOREVER}"))'
    return f"({lease} > {NOW} || {returns} <= {NOW})"


def _either(tests: list[str]) -> str:
    return tests[0] if len(tests) == 1 else f"({' || '.join(tests)})"


def _compare(compares: TextComparison) -> str:
    reads = compares.reads.spell(EdgeDialect.FASTLY)
    tests = [_compare_one(reads, compares.operator, text) for text in compares.texts]
    if compares.accepts_nothing:
        tests = list(dict.fromkeys((*_test_nothing(compares.reads, reads), *tests)))
    return _either(tests)


def _test_nothing(reads: VariableRef, spelled: str) -> list[str]:
    """Let nothing fit: what is not set equals nothing, not even the empty text, which not every engine searches."""
    is_header = spelled.startswith("req.")
    may_be_absent = is_header and reads.variable.absent_at_ingress
    return [f"!{spelled}", f'{spelled} == ""'] if may_be_absent else [f'{spelled} == ""']


def _compare_one(reads: str, operator: ComparisonOperator, text: str) -> str:
    literal = escape_pattern(text)
    match operator:
        case ComparisonOperator.EQUALS:
            return f"{reads} == {quote(text)}"
        case ComparisonOperator.STARTS_WITH:
            pattern = f"^{literal}"
        case ComparisonOperator.ENDS_WITH:
            pattern = f"{literal}$"
        case ComparisonOperator.CONTAINS:
            pattern = literal
        case ComparisonOperator.MATCHES:
            pattern = text
    return f"{reads} ~ {quote(pattern)}"


# Cookies in Fastly's words.


def read_cookie(name: str) -> str:
    """Return the expression of a cookie's value: empty if it is absent, the last one where it stands twice."""
    return VariableRef(variable=REQUEST_COOKIE, key=name).spell(EdgeDialect.FASTLY)
