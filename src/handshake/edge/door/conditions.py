"""Conditions in HAProxy's words: named ACLs, and what stands behind `if`."""

from __future__ import annotations

from dataclasses import dataclass

from handshake.edge.door.maps import SWITCHES, name_list_map
from handshake.edge.expression import (
    All,
    Any,
    Compares,
    Constant,
    Expression,
    IsListed,
    IsWithin,
    Not,
    Operator,
    SwitchIsOn,
    Test,
)
from handshake.edge.network import print_network
from handshake.edge.normal_form import Conjunction, Literal, to_alternatives
from handshake.edge.phase import Phase
from handshake.edge.policy import Policy
from handshake.syntax.haproxy import Line, line

_FLAGS = {
    Operator.EQUALS: "str",
    Operator.STARTS_WITH: "beg",
    Operator.ENDS_WITH: "end",
    Operator.CONTAINS: "sub",
    Operator.MATCHES: "reg",
}


@dataclass(frozen=True, kw_only=True)
class DoorCondition:
    """A condition, ready to stand on a line."""

    acls: tuple[Line, ...]
    words: tuple[str, ...]
    """`if A !B or C`; empty where it always holds."""
    is_never: bool = False


def compile_condition(policy: Policy, expression: Expression, prefix: str) -> DoorCondition:
    """Return the condition in HAProxy's words; its own ACLs are named `prefix.1`, `prefix.2`, ..."""
    alternatives = to_alternatives(_spare_protected(policy, expression))
    tests = dict.fromkeys(literal.test for conjunction in alternatives for literal in conjunction)
    own = [test for test in tests if isinstance(test, IsWithin | Compares)]
    names = {test: f"{prefix}.{number}" for number, test in enumerate(own, 1)}
    return DoorCondition(
        acls=tuple(acl for test, name in names.items() for acl in _define(test, name)),
        words=_print_alternatives(alternatives, names),
        is_never=not alternatives,
    )


def define_shared_acls(policy: Policy, maps: str) -> tuple[Line, ...]:
    """Return the ACLs of every switch and list that a rule reads."""
    switches = [
        its.name for its in policy.switches if any(policy.needs_switch(its.name, phase) for phase in Phase)
    ]
    lists = [its.name for its in policy.lists if any(policy.needs_list(its.name, phase) for phase in Phase)]
    return (
        *(
            _define_lease(f"switch.{name}", f"str({name}),map_str_int({maps}/{SWITCHES},0)")
            for name in switches
        ),
        *(_define_lease(f"list.{name}", f"src,map_ip_int({maps}/{name_list_map(name)},0)") for name in lists),
    )


def _define_lease(name: str, lookup: str) -> Line:
    return line("acl", name, f"{lookup},sub(txn.now)", "gt", "0")


def _spare_protected(policy: Policy, expression: Expression) -> Expression:
    """Make every look into a list spare those whom the list protects."""
    match expression:
        case Not(operand=operand):
            return Not(operand=_spare_protected(policy, operand))
        case All(operands=operands):
            return All(operands=tuple(_spare_protected(policy, operand) for operand in operands))
        case Any(operands=operands):
            return Any(operands=tuple(_spare_protected(policy, operand) for operand in operands))
        case IsListed(name=name):
            return _spare(policy, name)
        case _:
            return expression


def _spare(policy: Policy, name: str) -> Expression:
    protected = next(its.protected for its in policy.lists if its.name == name)
    listed = IsListed(name=name)
    if not protected:
        return listed
    spared = IsWithin(networks=tuple(print_network(network) for network in protected))
    return All(operands=(listed, Not(operand=spared)))


def _define(test: IsWithin | Compares, name: str) -> list[Line]:
    match test:
        case IsWithin(networks=networks):
            return [line("acl", name, "src", *networks)]
        case Compares():
            return [*_define_texts(test, name), *_define_nothing(test, name)]


def _define_texts(compares: Compares, name: str) -> list[Line]:
    texts = [text for text in compares.texts if text]
    reads = compares.reads.spell(Phase.ADMIT)
    return [line("acl", name, reads, "-m", _FLAGS[compares.operator], "--", *texts)] if texts else []


def _define_nothing(compares: Compares, name: str) -> list[Line]:
    """Let an empty or absent text fit, which fits no pattern of HAProxy's by itself: ACLs of one name add up."""
    if not compares.accepts_nothing:
        return []
    absent = compares.reads.spell_absence()
    empty = line("acl", name, compares.reads.spell(Phase.ADMIT), "-m", "len", "0")
    return [empty, line("acl", name, *absent)] if absent else [empty]


def _print_alternatives(
    alternatives: tuple[Conjunction, ...], names: dict[IsWithin | Compares, str]
) -> tuple[str, ...]:
    if () in alternatives:
        return ()
    words: list[str] = []
    for conjunction in alternatives:
        words += ["or" if words else "if", *(_print_literal(literal, names) for literal in conjunction)]
    return tuple(words)


def _print_literal(literal: Literal, names: dict[IsWithin | Compares, str]) -> str:
    return ("!" if literal.is_negated else "") + _name(literal.test, names)


def _name(test: Test, names: dict[IsWithin | Compares, str]) -> str:
    match test:
        case SwitchIsOn(name=name):
            return f"switch.{name}"
        case IsListed(name=name):
            return f"list.{name}"
        case Constant():
            raise AssertionError("a normal form holds no constants")
        case _:
            return names[test]
