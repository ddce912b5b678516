"""Evaluates one request under two policies; for what the log does not record, under each possibility."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import TypeAlias

from handshake.edge.policy.actions import (
    Action,
    CacheAction,
    Decoy,
    HeaderChanges,
    Headers,
    Limit,
    Pass,
    Redirect,
    Respond,
    RouteAction,
    Split,
)
from handshake.edge.policy.expression import (
    IsListed,
    IsWithin,
    NumberComparison,
    Test,
    TextComparison,
    VariableRef,
    walk_tests,
)
from handshake.edge.policy.policy import EdgePolicy, Rule
from handshake.edge.policy.request import LiveData, Request
from handshake.edge.policy.variables import CLIENT_IP
from handshake.edge.simulate.access_log import HIDDEN, NONE, LogRecord, field_of, read_request
from handshake.edge.simulate.evaluate import Evaluator
from handshake.edge.simulate.verdict import RequestVerdict, follow, order_rules

_MOST_POSSIBILITIES = 256
_MOST_REMEMBERED = 500_000


class Sort(StrEnum):
    """What the log can tell about a request."""

    SAME = "same"
    CHANGED = "changed"
    UNKNOWN = "unknown"
    """It depends on what the log does not record."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One request under both policies."""

    sort: Sort
    before: str
    after: str
    is_as_logged: bool
    """Whether the old policy yields the rule that the log names."""
    hangs_on: tuple[str, ...] = ()
    """What the log does not record."""


@dataclass(frozen=True, kw_only=True)
class _Branch:
    """Both verdicts, for certain results of certain tests."""

    given: Mapping[Test, bool]
    before: RequestVerdict
    after: RequestVerdict

    @property
    def is_change(self) -> bool:
        return find_effect(self.before) != find_effect(self.after)


class _Side:
    """One of the two policies."""

    def __init__(self, policy: EdgePolicy, live: LiveData) -> None:
        self.rules = order_rules(policy)
        self.evaluator = Evaluator(policy, live, HIDDEN)
        self.limits = {rule.name: rule for rule, _ in policy.select_limits()}

    def judge(
        self,
        request: Request,
        exceeded: frozenset[str],
        given: dict[Test, bool],
        forks: list[dict[Test, bool]],
    ) -> RequestVerdict:
        """Return the verdict if what nobody knows is false; note in `forks` where it could be true instead."""

        def holds(rule: Rule, request: Request) -> bool:
            while (answer := self.evaluator.evaluate(rule.condition, request, given)) is None:
                test = next(self.evaluator.find_hidden(rule.condition, request, given))
                forks.append({**given, test: True})
                given[test] = False
            return answer

        return follow(self.rules, request, exceeded, holds)


class Comparer:
    """Compares two policies, each with the live data that it declares."""

    def __init__(
        self, before: EdgePolicy, live_before: LiveData, after: EdgePolicy, live_after: LiveData
    ) -> None:
        self._before = _Side(before, live_before)
        self._after = _Side(after, live_after)
        self._signer = VerdictSigner([(before, self._before.evaluator), (after, self._after.evaluator)])
        self._known: dict[Signature, Comparison] = {}

    def compare_record(self, record: LogRecord) -> Comparison:
        """Return what changes for a record; records of one signature are compared once."""
        signature = self._signer.sign(record)
        known = self._known.get(signature)
        if known is None:
            if len(self._known) >= _MOST_REMEMBERED:
                self._known.clear()
            known = self._known[signature] = self.compare(read_request(record), record.rule)
        return known

    def compare(self, request: Request, logged_rule: str) -> Comparison:
        """Return what changes; where the log names a rule that the policy before may come to, it is believed."""
        branches = list(self._branch(request, logged_rule))
        fitting = [its for its in branches if _name_rule(its.before) == logged_rule]
        chosen = fitting or branches
        changes = {its.is_change for its in chosen}
        hangs_on = () if len(changes) == 1 else tuple(dict.fromkeys(_name_tests(chosen)))
        limit = self._find_doubtful_limit(logged_rule)
        if len(branches) > _MOST_POSSIBILITIES or limit or len(changes) > 1:
            sort = Sort.UNKNOWN
        else:
            sort = Sort.CHANGED if changes == {True} else Sort.SAME
        before, after = _name(its.before for its in chosen), _name(its.after for its in chosen)
        return Comparison(
            sort=sort,
            before=before,
            after=f"{after}, changed" if sort is Sort.CHANGED and after == before else after,
            is_as_logged=bool(fitting),
            hangs_on=(f"how often: {limit}",) if limit else hangs_on,
        )

    def _branch(self, request: Request, logged_rule: str) -> Iterator[_Branch]:
        exceeded = frozenset({logged_rule}) & self._before.limits.keys()
        open_forks: list[dict[Test, bool]] = [{}]
        for _ in range(_MOST_POSSIBILITIES + 1):
            if not open_forks:
                return
            given = open_forks.pop()
            before = self._before.judge(request, exceeded, given, open_forks)
            after = self._after.judge(request, exceeded & self._after.limits.keys(), given, open_forks)
            yield _Branch(given=given, before=before, after=after)

    def _find_doubtful_limit(self, name: str) -> str:
        """Return a limit that refused the request, and that the policy after has with other numbers."""
        before, after = self._before.limits.get(name), self._after.limits.get(name)
        if before is None or after is None or _count_alike(before, after):
            return ""
        return name


def _count_alike(before: Rule, after: Rule) -> bool:
    """Return whether two limits count the same in the same way, whatever they answer."""
    numbers = [
        (rule.condition, rule.reads, its.requests, its.seconds, its.failures)
        for rule in (before, after)
        if isinstance(its := rule.action, Limit)
    ]
    return numbers[0] == numbers[1]


def _name_rule(verdict: RequestVerdict) -> str:
    return verdict.ending.name if verdict.ending else NONE


def _name(verdicts: Iterator[RequestVerdict]) -> str:
    return " or ".join(sorted({name_effect(verdict) for verdict in verdicts}))


def _name_tests(branches: list[_Branch]) -> Iterator[str]:
    for branch in branches:
        for test in branch.given:
            if isinstance(test, (IsListed, TextComparison, NumberComparison)):
                yield test.reads.name


# What a verdict comes to: two verdicts that come to the same are no change, whatever their rules are called.

_DEEDS: tuple[tuple[type, str], ...] = (
    (Headers, "headers"),
    (CacheAction, "cached"),
    (Pass, "passed"),
    (RouteAction, "routed"),
    (Split, "split"),
    (Limit, "counted"),
)


@dataclass(frozen=True, kw_only=True)
class Effect:
    """Everything that makes a difference to the visitor or the origin."""

    ending: Action | None
    path: str
    request_headers: tuple[HeaderChanges, ...]
    """What rules change, even if nothing differs: the log does not record headers."""
    answer_headers: tuple[HeaderChanges, ...]
    caching: CacheAction
    key: tuple[str, ...]
    passes: bool
    named: tuple[tuple[str, Action], ...]
    """Limits and splits, whose names matter: counters and cookies depend on them."""


def find_effect(verdict: RequestVerdict) -> Effect:
    """Return what a verdict comes to."""
    named = [(rule.name, rule.action) for rule in verdict.matched if isinstance(rule.action, (Limit, Split))]
    return Effect(
        ending=verdict.ending.action if verdict.ending else None,
        path=verdict.request.path,
        request_headers=_drop_empty(
            rule.action.request for rule in verdict.matched if isinstance(rule.action, Headers)
        ),
        answer_headers=_drop_empty(verdict.answer_headers),
        caching=verdict.caching,
        key=tuple(
            reads.name
            for rule in verdict.matched
            if isinstance(rule.action, CacheAction)
            for reads in rule.reads
        ),
        passes=verdict.passes,
        named=tuple(sorted(named, key=lambda pair: pair[0])),
    )


def _drop_empty(changes: Iterable[HeaderChanges]) -> tuple[HeaderChanges, ...]:
    return tuple(each for each in changes if each != HeaderChanges())


def name_effect(verdict: RequestVerdict) -> str:
    """Return a verdict in a few words, the same for all requests that meet the same rules."""
    if verdict.ending:
        return f"{_name_answer(verdict.ending)} by {verdict.ending.name}"
    deeds = [
        f"{word} by {rule.name}"
        for rule in verdict.matched
        for kind, word in _DEEDS
        if isinstance(rule.action, kind)
    ]
    return ", ".join(["forwarded", *deeds])


def _name_answer(rule: Rule) -> str:
    match rule.action:
        case Respond(status=status):
            return str(status)
        case Redirect(status=code):
            return f"{code.value}"
        case Decoy():
            return "a decoy"
        case Limit(status=status, then=then):
            return f"{status} ({then})"
        case _:
            raise AssertionError("no other action ends")


# Requests that no rule can tell apart have one signature: a hundred thousand of them come to a few dozen verdicts.

Signature: TypeAlias = tuple[object, ...]

_MOST_VALUES = 500_000
"""How many different values of a field are remembered."""


class VerdictSigner:
    """Groups records by the results of the policies' tests."""

    def __init__(self, sides: Sequence[tuple[EdgePolicy, Evaluator]]) -> None:
        self._probes: dict[str, list[tuple[Evaluator, Test]]] = {}
        for policy, evaluator in sides:
            for test in dict.fromkeys(test for rule in policy.rules for test in walk_tests(rule.condition)):
                for field in _find_field(test):
                    self._probes.setdefault(field, []).append((evaluator, test))
        self._known: dict[str, dict[str, int]] = {field: {} for field in self._probes}
        self._numbers: dict[tuple[bool | None, ...], int] = {}
        # What a routed path comes to, its tests do not say.
        self._needs_path = any(
            isinstance(rule.action, RouteAction) for policy, _ in sides for rule in policy.rules
        )

    def sign(self, record: LogRecord) -> Signature:
        """Return a record's signature."""
        return (
            record.rule,
            record.path if self._needs_path else "",
            *(self._number(field, record) for field in self._known),
        )

    def _number(self, field: str, record: LogRecord) -> int:
        known, value = self._known[field], getattr(record, field)
        number = known.get(value)
        if number is None:
            if len(known) >= _MOST_VALUES:
                known.clear()
            number = known[value] = self._try(field, record)
        return number

    def _try(self, field: str, record: LogRecord) -> int:
        request = read_request(record)
        outcomes = tuple(evaluator.evaluate(test, request) for evaluator, test in self._probes[field])
        return self._numbers.setdefault(outcomes, len(self._numbers))


def _find_field(test: Test) -> Iterator[str]:
    """Yield the record's field that a test reads; none where it reads what the log does not hold, or nothing at all."""
    match test:
        case IsWithin():
            yield field_of(VariableRef(variable=CLIENT_IP))
        case IsListed(reads=reads) | TextComparison(reads=reads) | NumberComparison(reads=reads):
            if field := field_of(reads):
                yield field
        case _:
            pass
