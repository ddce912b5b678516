"""Conditions and rules, evaluated directly: fast enough for a log of a hundred thousand requests."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import lru_cache

import re2

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
)
from handshake.edge.policy.networks import Matcher, print_network
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.request import LiveData, Request
from handshake.edge.policy.variables import CLIENT_IP, REQUEST_HEADER

NOTHING: Mapping[Test, bool] = {}


class Evaluator:
    """The conditions of one policy, with the live data of one moment."""

    def __init__(self, policy: EdgePolicy, live: LiveData, hidden: frozenset[str] = frozenset()) -> None:
        """`hidden` names variables that nobody knows of these requests; a header among them may still be known."""
        self._switches_on = live.switches_on
        self._lists = {
            its.name: _match(map(print_network, live.lists.get(its.name, ()))) for its in policy.lists
        }
        self._protected = {its.name: _match(map(print_network, its.protected)) for its in policy.lists}
        self._texts = {
            its.name: live.text_lists.get(its.name, frozenset()) - set(its.protected)
            for its in policy.text_lists
        }
        self._hidden = hidden

    def evaluate(
        self, expression: Expression, request: Request, given: Mapping[Test, bool] = NOTHING
    ) -> bool | None:
        """Return whether a condition holds; None if that hangs on what is neither known nor given."""
        match expression:
            case Not(operand=operand):
                answer = self.evaluate(operand, request, given)
                return None if answer is None else not answer
            case All(operands=operands):
                return _combine(
                    (self.evaluate(operand, request, given) for operand in operands), decisive=False
                )
            case Any(operands=operands):
                return _combine(
                    (self.evaluate(operand, request, given) for operand in operands), decisive=True
                )
            case test:
                return given.get(test) if self.is_hidden(test, request) else self.try_test(test, request)

    def holds(self, expression: Expression, request: Request) -> bool:
        """Return whether a condition holds for a request of which everything is known."""
        return bool(self.evaluate(expression, request))

    def find_hidden(
        self, expression: Expression, request: Request, given: Mapping[Test, bool] = NOTHING
    ) -> Iterator[Test]:
        """Yield the tests on which an answer hangs, from left to right."""
        match expression:
            case Not(operand=operand):
                yield from self.find_hidden(operand, request, given)
            case All(operands=operands) | Any(operands=operands):
                for operand in operands:
                    if self.evaluate(operand, request, given) is None:
                        yield from self.find_hidden(operand, request, given)
            case test if test not in given and self.is_hidden(test, request):
                yield test
            case _:
                pass

    def is_hidden(self, test: Test, request: Request) -> bool:
        """Return whether nobody knows what the test reads."""
        match test:
            case IsListed(reads=reads) | TextComparison(reads=reads) | NumberComparison(reads=reads):
                return reads.variable.name in self._hidden and not _is_told(reads, request)
            case _:
                return False

    def try_test(self, test: Test, request: Request) -> bool:  # noqa: PLR0911 -- one return for each test
        """Return whether a test holds."""
        match test:
            case Constant(value=value):
                return value
            case SwitchIsOn(name=name):
                return name in self._switches_on
            case IsListed(name=name, reads=reads) if reads.variable is CLIENT_IP:
                is_protected = self._protected[name].find(request.client) is not None
                return not is_protected and self._lists[name].find(request.client) is not None
            case IsListed(name=name, reads=reads):
                return read_value(reads, request) in self._texts[name]
            case IsWithin(networks=networks):
                return _match(networks).find(request.client) is not None
            case TextComparison(reads=reads, operator=operator, texts=texts):
                return _fits(operator, str(read_value(reads, request)), texts)
            case NumberComparison(reads=reads, relation=relation, numbers=numbers):
                return _measures(relation, int(read_value(reads, request)), numbers)


_READ: dict[str, Callable[[Request, str], str | int]] = {
    "client.ip": lambda request, _: request.client,
    "client.country": lambda request, _: request.country,
    "client.asn": lambda request, _: request.asn,
    "client.rate": lambda request, _: request.rate,
    "request.method": lambda request, _: request.method,
    "request.host": lambda request, _: request.host,
    "request.path": lambda request, _: request.path,
    "request.query": lambda request, _: request.query,
    "request.user_agent": lambda request, _: request.headers.get("user-agent", ""),
    "request.size": lambda request, _: request.size,
    "request.header": lambda request, key: request.headers.get(key, ""),
    "request.cookie": lambda request, key: request.cookies.get(key, ""),
    "request.arm": lambda request, key: request.arms.get(key, ""),
}


def read_value(reads: VariableRef, request: Request) -> str | int:
    """Return a variable's value."""
    return _READ[reads.variable.name](request, reads.key)


def _is_told(reads: VariableRef, request: Request) -> bool:
    """Return whether a header is known all the same: the log holds it, or an earlier rule has set it."""
    if reads.variable is REQUEST_HEADER:
        return reads.key in request.headers
    return reads.variable.name == "request.user_agent" and "user-agent" in request.headers


def _combine(answers: Iterator[bool | None], *, decisive: bool) -> bool | None:
    """Return the conjunction (False decides) or the disjunction (True decides) of answers, some of them unknown."""
    is_unknown = False
    for answer in answers:
        if answer is decisive:
            return decisive
        is_unknown = is_unknown or answer is None
    return None if is_unknown else not decisive


def _match(networks: Iterable[str]) -> Matcher:
    return _keep_matcher(tuple(networks))


@lru_cache(maxsize=256)
def _keep_matcher(networks: tuple[str, ...]) -> Matcher:
    return Matcher(frozenset(networks))


def _fits(operator: ComparisonOperator, text: str, texts: tuple[str, ...]) -> bool:
    match operator:
        case ComparisonOperator.EQUALS:
            return text in texts
        case ComparisonOperator.STARTS_WITH:
            return text.startswith(texts)
        case ComparisonOperator.ENDS_WITH:
            return text.endswith(texts)
        case ComparisonOperator.CONTAINS:
            return any(part in text for part in texts)
        case ComparisonOperator.MATCHES:
            return any(_compile(pattern).search(text) is not None for pattern in texts)


_compile = lru_cache(maxsize=1024)(re2.compile)


def _measures(relation: Relation, number: int, numbers: tuple[int, ...]) -> bool:
    match relation:
        case Relation.EQUALS:
            return number in numbers
        case Relation.BELOW:
            return number < numbers[0]
        case Relation.AT_MOST:
            return number <= numbers[0]
        case Relation.ABOVE:
            return number > numbers[0]
        case Relation.AT_LEAST:
            return number >= numbers[0]
