"""A check over several rules: the door looks texts up in lists before any rule of the cache changes them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator

from handshake.core.problem import Problem
from handshake.edge.actions import Action
from handshake.edge.adjust import Headers, Route, Split
from handshake.edge.expression import IsListed, walk_tests
from handshake.edge.phase import Phase
from handshake.edge.rule import Rule


def check_order(rules: Iterable[Rule]) -> list[Problem]:
    """Return a problem for every look into a list for what an earlier rule of the cache may have changed."""
    changed: dict[str, str] = {}
    problems: list[Problem] = []
    for rule in (rule for rule in rules if rule.phase is Phase.SERVE):
        problems += [
            _too_late(rule, test, changed[test.reads.name])
            for test in walk_tests(rule.condition)
            if isinstance(test, IsListed) and test.reads.name in changed
        ]
        changed |= dict.fromkeys(_changes(rule.action), rule.name)
    return problems


def _changes(action: Action) -> Iterator[str]:
    """Yield the variables that an action changes, as policies spell them."""
    match action:
        case Headers(request=request):
            for name in map(str.lower, (*request.set, *request.remove)):
                yield f'request.header["{name}"]'
                yield from ("request.user_agent",) if name == "user-agent" else ()
        case Route():
            yield "request.path"
        case Split():
            yield 'request.header["cookie"]'


def _too_late(rule: Rule, test: IsListed, changer: str) -> Problem:
    return Problem(
        check="edge-list-after-change",
        what=f"{test.reads.name} is looked up in list {test.name} as it was before rule {changer} changed it",
        where=rule.where,
        hint=f"Put this rule before {changer}: the door looks into lists, before the cache changes anything.",
    )
