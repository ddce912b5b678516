"""The evaluator against CEL's own, on conditions, requests and live data that Hypothesis makes up."""

from __future__ import annotations

from ipaddress import ip_network

from hypothesis import given, settings
from hypothesis import strategies as st

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
    VariableRef,
    print_cel,
)
from handshake.edge.policy.request import LiveData, Request
from handshake.edge.policy.variables import BY_NAME, Phase, Type
from handshake.edge.simulate.evaluate import Evaluator
from handshake.edge.simulate.verdict import simulate
from tests.cel_oracle import ask_cel, judge_by_cel
from tests.unit.edge.compiled import read_text

POLICY = read_text(
    """
[switches.siege]
description = "on or off"
[switches.calm]
description = "on or off"
[lists.wall]
kind = "network"
protected = ["192.0.2.0/30", "2001:db8::7"]
[lists.agents]
kind = "text"
protected = ["curl"]
[[rule]]
name = "count"
phase = "admit"
when = 'client.rate > 3 || request.size >= 10'
limit = { requests = 1, seconds = 1 }
[[rule]]
name = "mark"
phase = "admit"
when = 'client.ip in list.wall && !switch.calm'
headers = { request = { set = { X-Key = "marked" }, remove = ["User-Agent"] } }
[[rule]]
name = "agents"
phase = "admit"
when = 'request.user_agent in list.agents || request.header["x-key"] == "k"'
respond = { status = 403 }
[[rule]]
name = "arms"
phase = "serve"
when = 'request.path.startsWith("/a")'
split = { arms = { one = 1, two = 1 } }
[[rule]]
name = "moved"
phase = "serve"
when = 'request.header["x-key"] == "marked" || request.arm["arms"] == "two"'
route = { to = "/b", prefix = "/a" }
[[rule]]
name = "late"
phase = "serve"
when = 'request.path.matches("^/b") && request.cookie["c"] != "1"'
respond = { status = 410 }
"""
)
DECLARED = Declared(
    switches=frozenset({"siege", "calm"}),
    lists={"wall": ListKind.NETWORK, "agents": ListKind.TEXT},
    arms=frozenset({"arms"}),
)

TEXTS = st.sampled_from(
    ["", "/", "/a", "/ab", "b", "curl", "US", "unknown", 'quo"ted \\ text', "é", "marked", "two", "1"]
)
PATTERNS = st.sampled_from(["^/a", "b$", "", "(?i)CURL", "^$|x", "[0-9]{1,2}"])
NUMBERS = st.integers(0, 12)
CLIENTS = st.sampled_from(["192.0.2.1", "192.0.2.9", "198.51.100.200", "2001:db8::7", "2001:db8::8"])
NETWORKS = st.sampled_from(
    ["192.0.2.0/24", "192.0.2.9/32", "198.51.100.128/25", "2001:db8::/32", "0.0.0.0/0"]
)
KEYS = {"request.header": "x-key", "request.cookie": "c", "request.arm": "arms"}


def read(kind: Type) -> st.SearchStrategy[VariableRef]:
    """Return the variables of a type."""
    names = [name for name, variable in BY_NAME.items() if variable.type is kind]
    return st.sampled_from([VariableRef(variable=BY_NAME[name], key=KEYS.get(name, "")) for name in names])


def several(values: st.SearchStrategy[str]) -> st.SearchStrategy[tuple[str, ...]]:
    """Return one to three of them."""
    return st.lists(values, min_size=1, max_size=3, unique=True).map(tuple)


METHODS = st.sampled_from(
    [ComparisonOperator.STARTS_WITH, ComparisonOperator.ENDS_WITH, ComparisonOperator.CONTAINS]
)
ORDERS = st.sampled_from([relation for relation in Relation if relation is not Relation.EQUALS])
TESTS: st.SearchStrategy[Expression] = st.one_of(
    st.builds(Constant, value=st.booleans()),
    st.builds(SwitchIsOn, name=st.sampled_from(["siege", "calm"])),
    st.just(IsListed(name="wall")),
    st.builds(IsListed, name=st.just("agents"), reads=read(Type.TEXT)),
    st.builds(IsWithin, networks=several(NETWORKS)),
    st.builds(
        TextComparison,
        reads=read(Type.TEXT),
        operator=st.just(ComparisonOperator.EQUALS),
        texts=several(TEXTS),
    ),
    st.builds(TextComparison, reads=read(Type.TEXT), operator=METHODS, texts=st.tuples(TEXTS.filter(bool))),
    st.builds(
        TextComparison,
        reads=read(Type.TEXT),
        operator=st.just(ComparisonOperator.MATCHES),
        texts=st.tuples(PATTERNS),
    ),
    st.builds(
        NumberComparison,
        reads=read(Type.NUMBER),
        relation=st.just(Relation.EQUALS),
        numbers=st.lists(NUMBERS, min_size=1, max_size=3).map(tuple),
    ),
    st.builds(NumberComparison, reads=read(Type.NUMBER), relation=ORDERS, numbers=st.tuples(NUMBERS)),
)


def combine(inner: st.SearchStrategy[Expression]) -> st.SearchStrategy[Expression]:
    """Return conditions made of conditions."""
    operands = st.lists(inner, min_size=2, max_size=3).map(tuple)
    return st.one_of(
        st.builds(Not, operand=inner), st.builds(All, operands=operands), st.builds(Any, operands=operands)
    )


EXPRESSIONS = st.recursive(TESTS, combine, max_leaves=6)
HEADERS = st.fixed_dictionaries(
    {},
    optional={
        "x-key": TEXTS,
        "user-agent": TEXTS,
        "content-length": st.sampled_from(["0", "5", "12", "x"]),
        "cookie": st.sampled_from(["c=1", "d; c=2;c=b", "c", "=; c=curl"]),
    },
)
REQUESTS = st.builds(
    Request,
    client=CLIENTS,
    country=st.sampled_from(["US", "DE", "unknown"]),
    asn=NUMBERS,
    rate=st.integers(1, 12),
    method=st.sampled_from(["GET", "POST"]),
    host=TEXTS,
    path=TEXTS,
    query=TEXTS,
    headers=HEADERS,
    arms=st.sampled_from([{}, {"arms": "two"}, {"arms": "one"}]),
)
LIVE = st.builds(
    LiveData,
    switches_on=st.frozensets(st.sampled_from(["siege", "calm"])),
    lists=st.fixed_dictionaries({"wall": st.lists(NETWORKS.map(ip_network), max_size=2).map(tuple)}),
    text_lists=st.fixed_dictionaries({"agents": st.frozensets(TEXTS.filter(bool), max_size=4)}),
    exceeded=st.frozensets(st.just("count")),
)


@settings(max_examples=150, deadline=None)
@given(expression=EXPRESSIONS, request=REQUESTS, live=LIVE)
def test_evaluator_agrees_with_cel(expression: Expression, request: Request, live: LiveData) -> None:
    """A condition holds for the evaluator exactly where it holds for CEL's own, printed and read again."""
    text = print_cel(expression)
    expected = ask_cel(text, POLICY, request, live)

    evaluator = Evaluator(POLICY, live)
    assert evaluator.evaluate(expression, request) is expected, text
    read_again, faults = parse_condition(text, DECLARED, Phase.SERVE)
    assert not faults, text
    assert evaluator.evaluate(read_again, request) is expected, text


@settings(max_examples=100, deadline=None)
@given(request=REQUESTS, live=LIVE)
def test_simulator_agrees_with_cel(request: Request, live: LiveData) -> None:
    """The simulator comes to the verdict to which CEL's own evaluator leads, the changed request included."""
    assert simulate(POLICY, request, live) == judge_by_cel(POLICY, request, live)


@settings(max_examples=300, deadline=None)
@given(
    expression=EXPRESSIONS,
    request=REQUESTS,
    live=LIVE,
    hidden=st.frozensets(st.sampled_from(sorted(BY_NAME))),
)
def test_what_is_hidden_is_never_guessed(
    expression: Expression, request: Request, live: LiveData, hidden: frozenset[str]
) -> None:
    """With variables hidden, an answer is the true one or none; with the hidden tests given, it is the true one."""
    truth = Evaluator(POLICY, live)
    evaluator = Evaluator(POLICY, live, hidden - {"client.ip"})
    assert evaluator.evaluate(expression, request) in {None, truth.evaluate(expression, request)}

    given: dict[Test, bool] = {}
    while evaluator.evaluate(expression, request, given) is None:
        test = next(evaluator.find_hidden(expression, request, given))
        given[test] = truth.try_test(test, request)
    assert evaluator.evaluate(expression, request, given) is truth.evaluate(expression, request)
