"""Conditions: what is understood, and that a normal form means what its condition means."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from handshake.core.problem import ProblemsError
from handshake.edge.policy.condition import Declared, parse_condition
from handshake.edge.policy.declarations import ListKind
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
    Relation,
    SwitchIsOn,
    Test,
    TextComparison,
    count_alternatives,
    to_alternatives,
)
from handshake.edge.policy.variables import Phase
from tests.unit.edge.compiled import read_text

DECLARED = Declared(
    switches=frozenset({"siege"}),
    lists={"wall": ListKind.NETWORK, "agents": ListKind.TEXT},
    arms=frozenset({"hero"}),
)
TESTS: tuple[Test, ...] = tuple(SwitchIsOn(name=name) for name in "abc")


def parse(text: str, phase: Phase = Phase.SERVE) -> Expression:
    """Return the expression of a condition without faults."""
    expression, faults = parse_condition(text, DECLARED, phase)
    assert not faults
    return expression


def holds(expression: Expression, truths: dict[Test, bool]) -> bool:
    """Evaluate an expression by the book."""
    match expression:
        case Constant(value=value):
            return value
        case Not(operand=operand):
            return not holds(operand, truths)
        case All(operands=operands):
            return all(holds(operand, truths) for operand in operands)
        case Any(operands=operands):
            return any(holds(operand, truths) for operand in operands)
        case _:
            return truths[expression]


def compound(parts: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """Build larger expressions of smaller ones."""
    some = st.lists(parts, min_size=1, max_size=3).map(tuple)
    return (
        parts.map(lambda operand: Not(operand=operand))
        | some.map(lambda operands: All(operands=operands))
        | some.map(lambda operands: Any(operands=operands))
    )


EXPRESSIONS = st.recursive(
    st.sampled_from([*TESTS, Constant(value=True), Constant(value=False)]), compound, max_leaves=8
)
TRUTHS = st.fixed_dictionaries({test: st.booleans() for test in TESTS})


@given(EXPRESSIONS, TRUTHS)
def test_normal_form_means_the_same(expression: Expression, truths: dict[Test, bool]) -> None:
    """The alternatives hold exactly where the expression does."""
    alternatives = to_alternatives(expression)
    found = any(
        all(truths[literal.test] is not literal.is_negated for literal in conjunction)
        for conjunction in alternatives
    )
    assert found == holds(expression, truths)


@given(EXPRESSIONS)
def test_size_is_known_before_the_normal_form_is_made(expression: Expression) -> None:
    """No normal form has more alternatives than were counted."""
    assert len(to_alternatives(expression)) <= count_alternatives(expression, is_negated=False)


def test_operators_bind_as_in_cel() -> None:
    """`!` binds tighter than `&&`, and `&&` tighter than `||`."""
    siege, wall = SwitchIsOn(name="siege"), IsListed(name="wall")
    assert parse("!switch.siege && client.ip in list.wall || true") == Any(
        operands=(All(operands=(Not(operand=siege), wall)), Constant(value=True))
    )


def test_addresses_become_networks() -> None:
    """An address is compared as a network, whether with `==` or with `in`."""
    assert parse('client.ip == "192.0.2.1"') == IsWithin(networks=("192.0.2.1/32",))
    assert parse('client.ip in ["2001:db8::/32"]') == IsWithin(networks=("2001:db8::/32",))


def test_sides_of_an_equality_may_change_places() -> None:
    """A written text may stand on either side."""
    assert parse('"POST" == request.method') == parse('request.method == "POST"')


def test_header_names_are_in_lower_case() -> None:
    """A header is the same in any case."""
    compares = parse('request.header["X-Key"].matches("^a")')
    assert isinstance(compares, TextComparison)
    assert (compares.reads.key, compares.operator, compares.texts) == (
        "x-key",
        ComparisonOperator.MATCHES,
        ("^a",),
    )


def test_escapes_are_read_as_cel_reads_them() -> None:
    """A written text means what CEL says it means."""
    assert parse(r'request.path == "\u0041"') == parse('request.path == "A"')
    assert parse(r"request.path == r'\d'") == parse(r'request.path == "\\d"')


def test_every_fault_is_found_at_once() -> None:
    """Faults on both sides of an operator are reported together, each with its column."""
    _, faults = parse_condition("switch.seige || client.ip in list.walls", DECLARED, Phase.ADMIT)
    assert [(fault.check, fault.column, fault.hint) for fault in faults] == [
        ("edge-unknown-switch", 1, "Did you mean siege?"),
        ("edge-unknown-list", 30, "Did you mean wall?"),
    ]


def test_numbers_have_an_order() -> None:
    """A number may stand on either side of its comparison, and equals one of several."""
    measured = parse("request.size > 10")
    assert isinstance(measured, NumberComparison)
    assert (measured.relation, measured.numbers) == (Relation.ABOVE, (10,))
    assert parse("10 < request.size") == measured
    assert parse("client.asn in [1, 2]") == parse("client.asn in [1, 2]", Phase.ADMIT)


def test_texts_are_looked_up_in_lists_of_texts() -> None:
    """A list of texts takes any text; a look is told apart by what is looked up."""
    agent, cookie = parse("request.user_agent in list.agents"), parse('request.cookie["a-b"] in list.agents')
    assert isinstance(agent, IsListed)
    assert isinstance(cookie, IsListed)
    assert (agent.label, cookie.label) == ("agents.user_agent", "agents.cookie.a_2db")


@pytest.mark.parametrize(
    ("text", "phase", "check"),
    [
        ('request.path > "a"', Phase.SERVE, "edge-wrong-type"),
        ('request.size == "10"', Phase.SERVE, "edge-wrong-type"),
        ("request.size > -1", Phase.SERVE, "edge-wrong-type"),
        ("request.size > 99999999999", Phase.SERVE, "edge-wrong-type"),
        ("client.ip in list.agents", Phase.SERVE, "edge-wrong-type"),
        ("request.path in list.wall", Phase.SERVE, "edge-wrong-type"),
        ('client.asn.startsWith("1")', Phase.SERVE, "edge-wrong-type"),
        ('request.arm["hero"] == "bold"', Phase.ADMIT, "edge-variable-phase"),
        ('request.arm["nobody"] == "bold"', Phase.SERVE, "edge-unknown-split"),
        ('request.header["a b"] == "x"', Phase.SERVE, "edge-bad-key"),
        ('request.header["a.b"] == "x"', Phase.SERVE, "edge-bad-key"),
        ('request.cookie["a;b"] == "x"', Phase.SERVE, "edge-bad-key"),
        ('request.header == "x"', Phase.SERVE, "edge-unknown-variable"),
    ],
)
def test_what_no_edge_can_tell_is_refused(text: str, phase: Phase, check: str) -> None:
    """A comparison that has no meaning, or none in this phase, is one fault with its check."""
    _, faults = parse_condition(text, DECLARED, phase)
    assert [fault.check for fault in faults] == [check]


@pytest.mark.parametrize(
    ("change", "test"),
    [
        ('headers = { request = { set = { X-Key = "a" } } }', 'request.header["x-key"] in list.agents'),
        ('headers = { request = { remove = ["User-Agent"] } }', "request.user_agent in list.agents"),
        ('route = { to = "/x" }', "request.path in list.agents"),
    ],
)
def test_lists_are_asked_before_anything_changes(change: str, test: str) -> None:
    """A look into a list behind the rule that changes what is looked up is refused; before it, it is not."""
    look = f'[[rule]]\nname = "look"\nphase = "serve"\nwhen = \'{test}\'\npass = {{}}\n'
    changer = f'[[rule]]\nname = "change"\nphase = "serve"\nwhen = \'true\'\n{change}\n'
    lists = '[lists.agents]\nkind = "text"\n'
    assert read_text(lists + look + changer)
    with pytest.raises(ProblemsError, match="edge-list-after-change"):
        read_text(lists + changer + look)
