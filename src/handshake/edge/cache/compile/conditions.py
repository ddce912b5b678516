"""Conditions in VCL."""

from __future__ import annotations

from dataclasses import dataclass, field

from handshake.core.hop_header import Hop
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
)
from handshake.edge.policy.networks import parse_network
from handshake.edge.policy.variables import CLIENT_IP, EdgeDialect
from handshake.syntax.vcl import Act, Block, escape_pattern, quote


@dataclass(kw_only=True)
class VclConditionPrinter:
    """Prints one rule's condition, and collects the ACLs that it needs."""

    rule: str
    acls: list[Block] = field(default_factory=list)

    def print_condition(self, expression: Expression) -> str:  # noqa: PLR0911 -- one return for each kind
        """Return a VCL expression of type BOOL."""
        match expression:
            case Constant(value=value):
                return "true" if value else "false"
            case Not(operand=operand):
                return f"!({self.print_condition(operand)})"
            case All(operands=operands):
                return self._join(" && ", operands)
            case Any(operands=operands):
                return self._join(" || ", operands)
            case SwitchIsOn(name=name):
                return _is_named(Hop.SWITCHES, name)
            case IsListed():
                return _is_named(Hop.LISTS, expression.label)
            case IsWithin(networks=networks):
                return f"{CLIENT_IP.reads[EdgeDialect.CACHE]} ~ {self._declare_acl(networks)}"
            case TextComparison():
                return _compare(expression)
            case NumberComparison():
                return _measure(expression)

    def _join(self, operator: str, operands: tuple[Expression, ...]) -> str:
        return "(" + operator.join(self.print_condition(operand) for operand in operands) + ")"

    def _declare_acl(self, networks: tuple[str, ...]) -> str:
        name = f"acl_{self.rule.replace('-', '_')}_{len(self.acls) + 1}"
        entries = tuple(Act(text=_print_entry(text)) for text in networks)
        # Without +table, Varnish compiles an ACL to C, which takes minutes from some thousand entries on.
        self.acls.append(Block(heading=f"acl {name} +table", body=entries))
        return name


def _is_named(header: str, name: str) -> str:
    return f"req.http.{header} ~ {quote(f'(^|, ){escape_pattern(name)}(,|$)')}"


def _measure(measures: NumberComparison) -> str:
    reads = measures.reads.spell(EdgeDialect.CACHE)
    tests = [f"{reads} {measures.relation} {number}" for number in measures.numbers]
    return f"({' || '.join(tests)})"


def _compare(compares: TextComparison) -> str:
    reads = compares.reads.spell(EdgeDialect.CACHE)
    tests = [_compare_one(reads, compares.operator, text) for text in compares.texts]
    return tests[0] if len(tests) == 1 else f"({' || '.join(tests)})"


def _compare_one(reads: str, operator: ComparisonOperator, text: str) -> str:
    literal = escape_pattern(text)
    match operator:
        case ComparisonOperator.EQUALS if text:
            return f"{reads} == {quote(text)}"
        case ComparisonOperator.EQUALS:
            # An absent header equals no text, not even the empty one, but its absence does match a pattern.
            pattern = "^$"
        case ComparisonOperator.STARTS_WITH:
            pattern = f"^{literal}"
        case ComparisonOperator.ENDS_WITH:
            pattern = f"{literal}$"
        case ComparisonOperator.CONTAINS:
            pattern = literal
        case ComparisonOperator.MATCHES:
            pattern = text
    return f"{reads} ~ {quote(pattern)}"


def _print_entry(text: str) -> str:
    network = parse_network(text)
    return f'"{network.network_address}"/{network.prefixlen}'
