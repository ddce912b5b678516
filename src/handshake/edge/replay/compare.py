"""One request under two policies; where its verdict hangs on what the log does not hold, under each possibility."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum

from handshake.edge.evaluate import Evaluator
from handshake.edge.expression import Compares, IsListed, Measures, Test
from handshake.edge.limit import Limit
from handshake.edge.log.record import NONE, LogRecord
from handshake.edge.policy import Policy, Rule
from handshake.edge.replay.effect import find_effect, name_effect
from handshake.edge.replay.sight import HIDDEN, read_request
from handshake.edge.replay.signature import Signature, Signer
from handshake.edge.request import LiveData, Request
from handshake.edge.simulate import Verdict, follow, order_rules

_MOST_POSSIBILITIES = 256
_MOST_REMEMBERED = 500_000


class Sort(StrEnum):
    """What the log can say about a request."""

    SAME = "same"
    CHANGED = "changed"
    UNKNOWN = "unknown"
    """It hangs on what the log does not hold."""


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One request under both policies."""

    sort: Sort
    before: str
    after: str
    is_as_logged: bool
    """Whether the policy before comes to the rule that the log names."""
    hangs_on: tuple[str, ...] = ()
    """What the log does not hold."""


@dataclass(frozen=True, kw_only=True)
class _Branch:
    """Both verdicts, if certain tests come out in a certain way."""

    given: Mapping[Test, bool]
    before: Verdict
    after: Verdict

    @property
    def is_change(self) -> bool:
        return find_effect(self.before) != find_effect(self.after)


class _Side:
    """One of the two policies."""

    def __init__(self, policy: Policy, live: LiveData) -> None:
        self.rules = order_rules(policy)
        self.evaluator = Evaluator(policy, live, HIDDEN)
        self.limits = {rule.name: rule for rule, _ in policy.select_limits()}

    def judge(
        self,
        request: Request,
        exceeded: frozenset[str],
        given: dict[Test, bool],
        forks: list[dict[Test, bool]],
    ) -> Verdict:
        """Return the verdict if what nobody knows is false; note in `forks` where it could be true instead."""

        def holds(rule: Rule, request: Request) -> bool:
            while (answer := self.evaluator.evaluate(rule.condition, request, given)) is None:
                test = next(self.evaluator.find_hidden(rule.condition, request, given))
                forks.append({**given, test: True})
                given[test] = False
            return answer

        return follow(self.rules, request, exceeded, holds)


class Comparer:
    """Compares two policies, each over the live data that it knows."""

    def __init__(self, before: Policy, live_before: LiveData, after: Policy, live_after: LiveData) -> None:
        self._before = _Side(before, live_before)
        self._after = _Side(after, live_after)
        self._signer = Signer([(before, self._before.evaluator), (after, self._after.evaluator)])
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
    """Tell whether two limits count the same in the same way, whatever they answer."""
    numbers = [
        (rule.condition, rule.reads, its.requests, its.seconds, its.failures)
        for rule in (before, after)
        if isinstance(its := rule.action, Limit)
    ]
    return numbers[0] == numbers[1]


def _name_rule(verdict: Verdict) -> str:
    return verdict.ending.name if verdict.ending else NONE


def _name(verdicts: Iterator[Verdict]) -> str:
    return " or ".join(sorted({name_effect(verdict) for verdict in verdicts}))


def _name_tests(branches: list[_Branch]) -> Iterator[str]:
    for branch in branches:
        for test in branch.given:
            if isinstance(test, (IsListed, Compares, Measures)):
                yield test.reads.name
