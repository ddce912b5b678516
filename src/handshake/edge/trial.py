"""A case, tried: what was expected of the policy, and what was found."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from typing import TypeAlias

from handshake.config.reader import Loaded
from handshake.core.problem import Location
from handshake.edge.cases import Case, CasesSettings, Expectation
from handshake.edge.explain import Explanation, explain
from handshake.edge.network import parse_network
from handshake.edge.policy import Policy
from handshake.edge.request import LiveData, Request

FindWay: TypeAlias = Callable[[str, str], tuple[str, int]]
"""Method and path of a request that goes on -> where to (`site calls`), and the status answered without asking."""
Finding: TypeAlias = tuple[str, object, object]
"""A key of the expectation, what was expected, what was found."""


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """One thing that is not as it was expected."""

    key: str
    expected: str
    found: str
    where: Location


@dataclass(frozen=True, kw_only=True)
class Trial:
    """A case and what came of it."""

    name: str
    where: Location
    mismatches: tuple[Mismatch, ...]
    """Empty where everything is as it was expected."""
    explanation: Explanation

    @property
    def has_passed(self) -> bool:
        """Whether everything is as it was expected."""
        return not self.mismatches


def try_cases(loaded: Loaded[CasesSettings], policy: Policy, find_way: FindWay) -> Iterator[Trial]:
    """Yield what comes of each case; the cases were checked against the policy."""
    for number, case in enumerate(loaded.model.case):
        live = _describe_live(policy, case)
        explanation = explain(policy, _describe_request(case), live)
        yield Trial(
            name=case.name,
            where=loaded.source.at("case", number, "name"),
            mismatches=tuple(
                Mismatch(
                    key=key,
                    expected=_show(expected),
                    found=_show(found),
                    where=loaded.source.at("case", number, "expect", key),
                )
                for key, expected, found in _compare(case.expect, explanation, find_way)
                if expected != found
            ),
            explanation=explanation,
        )


def _describe_request(case: Case) -> Request:
    its = case.request
    headers = {name.lower(): value for name, value in its.headers.items()}
    if its.cookies:
        headers["cookie"] = "; ".join(f"{name}={value}" for name, value in its.cookies.items())
    path, _, query = its.path.partition("?")
    return Request(
        client=its.ip,
        country=its.country,
        asn=its.asn,
        rate=its.rate,
        method=its.method,
        host=its.host,
        path=path,
        query=query,
        headers=headers,
    )


def _describe_live(policy: Policy, case: Case) -> LiveData:
    switches = {its.name: its.is_on for its in policy.switches} | case.switches
    return LiveData(
        switches_on=frozenset(name for name, is_on in switches.items() if is_on),
        lists={
            its.name: (*its.entries, *map(parse_network, case.lists.get(its.name, ())))
            for its in policy.lists
        },
        text_lists={
            its.name: frozenset((*its.entries, *case.lists.get(its.name, ()))) for its in policy.text_lists
        },
        exceeded=frozenset(case.exceeded),
    )


def _compare(expect: Expectation, its: Explanation, find_way: FindWay) -> Iterator[Finding]:
    """Yield each thing that was expected, with what was found."""
    matched = {step.rule for step in its.steps}
    refused = its.refusal.name if its.refusal else ""
    to, status = find_way(its.goes_on.method, its.goes_on.path) if its.goes_on else ("", 0)
    plain: tuple[Finding, ...] = (
        ("rule", expect.rule, its.ending),
        ("refused", expect.refused, refused),
        ("goes_on", expect.goes_on, its.goes_on is not None),
        ("to", expect.to, to),
        ("path", expect.path, its.goes_on.path if its.goes_on else ""),
        ("limits", expect.limits, its.limits),
    )
    yield from (finding for finding in plain if finding[1] is not None)
    yield from (("matched", name, name if name in matched else "") for name in expect.matched)
    yield from (("not_matched", "", name if name in matched else "") for name in expect.not_matched)
    yield from _pick("arms", expect.arms, its.arms)
    headers = its.goes_on.headers if its.goes_on else {}
    yield from _pick("request_headers", _lower(expect.request_headers), headers)
    yield from _compare_answers(expect, its, status)
    yield from _compare_keeping(expect, its)


def _compare_answers(expect: Expectation, its: Explanation, status: int) -> Iterator[Finding]:
    """Compare the answer; of a decoy's answers, the one that has the expected status, else the first."""
    statuses = [answer.status for answer in its.answers] or [its.refusal.status if its.refusal else status]
    if expect.status is not None:
        fits = expect.status in statuses
        yield "status", expect.status, expect.status if fits else " or ".join(map(str, statuses))
    answer = next(
        (answer for answer in its.answers if expect.status in {None, answer.status}),
        next(iter(its.answers), None),
    )
    yield from _pick("headers", _lower(expect.headers), answer.headers if answer else {})
    if expect.body is not None:
        body = answer.body if answer else ""
        yield "body", expect.body, expect.body if expect.body in body else body


def _compare_keeping(expect: Expectation, its: Explanation) -> Iterator[Finding]:
    keeping = its.keeping
    plain: tuple[Finding, ...] = (
        ("cached", expect.cached, keeping is not None and keeping.is_cached),
        ("cached_seconds", expect.cached_seconds, keeping.seconds if keeping else None),
        ("tags", expect.tags, keeping.tags if keeping else ()),
    )
    yield from (finding for finding in plain if finding[1] is not None)
    yield from _pick("key", expect.key, keeping.key if keeping else {})


def _pick(key: str, expected: Mapping[str, str], found: Mapping[str, str]) -> Iterator[Finding]:
    """Compare by name; an absent value is empty."""
    for name, value in expected.items():
        yield key, f"{name}: {value}", f"{name}: {found.get(name, '')}"


def _lower(headers: Mapping[str, str]) -> dict[str, str]:
    return {name.lower(): value for name, value in headers.items()}


def _show(value: object) -> str:
    match value:
        case "" | () | None:
            return "nothing"
        case bool():
            return "yes" if value else "no"
        case tuple():
            return ", ".join(map(str, value))
        case _:
            return str(value)
