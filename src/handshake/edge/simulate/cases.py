"""edge_tests.toml: requests and the expected results of the policy; checked, run, and compared."""

from __future__ import annotations

import difflib
import ipaddress
from collections import Counter
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Annotated, TypeAlias

from pydantic import Field, StringConstraints

from handshake.config.reader import Loaded
from handshake.config.settings import Settings
from handshake.config.source import Step
from handshake.core.problem import Location, Problem
from handshake.edge.policy.actions import HeaderName, Word
from handshake.edge.policy.networks import parse_network
from handshake.edge.policy.policy import EdgePolicy
from handshake.edge.policy.request import LiveData, Request
from handshake.edge.policy.variables import UNKNOWN_COUNTRY, UNKNOWN_NETWORK
from handshake.edge.simulate.explain import Explanation, explain

Country = Annotated[str, StringConstraints(pattern=r"^([A-Z]{2}|unknown)$")]
Name = Annotated[str, StringConstraints(min_length=1)]


class CaseRequest(Settings):
    """`[case.request]`: the request, as sent by the client."""

    ip: str = Field(default="192.0.2.1", description="The source address of the connection.")
    country: Country = Field(
        default=UNKNOWN_COUNTRY, description='Two capital letters (ISO 3166), or "unknown".'
    )
    asn: int = Field(default=UNKNOWN_NETWORK, ge=0, description="The AS number of the client's network.")
    rate: int = Field(
        default=1, ge=0, description="The number of the client's requests in the last ten seconds."
    )
    method: Name = Field(default="GET", description="The method.")
    host: str = Field(default="", description="The Host header.")
    path: Name = Field(default="/", description="The path, optionally with a query after `?`.")
    headers: dict[HeaderName, str] = Field(default_factory=dict, description="Additional headers.")
    cookies: dict[str, str] = Field(default_factory=dict, description="Cookies.")


class Expectation(Settings):
    """`[case.expect]`: the expected result; what is not specified may have any value."""

    rule: str | None = Field(default=None, description='The rule that answers; "" for none.')
    matched: tuple[str, ...] = Field(default=(), description="Rules that must match; others may too.")
    not_matched: tuple[str, ...] = Field(default=(), description="Rules that must not match.")
    refused: str | None = Field(
        default=None,
        description='A refusal by the ingress before any rule, such as `strict-path`; "" for none.',
    )
    status: int | None = Field(
        default=None,
        description="The status of a rule's answer or of the edge's own; for a decoy, one of its statuses.",
    )
    headers: dict[HeaderName, str] = Field(
        default_factory=dict, description='Headers of the answer; "" for one that must be absent.'
    )
    body: str | None = Field(default=None, description="A substring of the answer's body.")
    goes_on: bool | None = Field(default=None, description="Whether the request passes all rules.")
    to: str | None = Field(
        default=None,
        description="Where it is forwarded: `site calls`, `service hamm`, `gateway` or `nobody`.",
    )
    path: str | None = Field(default=None, description="The forwarded path.")
    request_headers: dict[HeaderName, str] = Field(
        default_factory=dict, description='Forwarded request headers; "" for one that must be absent.'
    )
    cached: bool | None = Field(default=None, description="Whether the gateway's answer may be cached.")
    cached_seconds: int | None = Field(default=None, description="The freshness set by a rule.")
    tags: tuple[str, ...] | None = Field(default=None, description="Its tags, in order.")
    key: dict[str, str] = Field(
        default_factory=dict, description="Variables of its cache key, and their values."
    )
    limits: tuple[str, ...] | None = Field(default=None, description="The rules that count the request.")
    arms: dict[str, str] = Field(
        default_factory=dict, description="By rule with `split`: the visitor's arm, by the cookie."
    )


class Case(Settings):
    """`[[case]]`: one request under certain circumstances, and the expected result."""

    name: Name = Field(description="The expected behaviour, as a sentence; unique.")
    request: CaseRequest = Field(default_factory=CaseRequest, description="The request.")
    switches: dict[Word, bool] = Field(
        default_factory=dict, description="Switches that differ from the policy's defaults."
    )
    lists: dict[Word, tuple[str, ...]] = Field(
        default_factory=dict, description="List entries in addition to those in the policy."
    )
    exceeded: tuple[str, ...] = Field(default=(), description="Rules with `limit` whose limit is exceeded.")
    expect: Expectation = Field(description="The expected result.")


class CasesSettings(Settings):
    """The whole file."""

    case: tuple[Case, ...] = Field(default=(), description="The cases, in any order.")


# A case, tried: what was expected of the policy, and what was found.

FindWay: TypeAlias = Callable[[str, str], tuple[str, int]]
"""Method and path of a forwarded request -> where to (`site calls`), and the status if the edge itself answers."""
Finding: TypeAlias = tuple[str, object, object]
"""A key of the expectation, what was expected, what was found."""


@dataclass(frozen=True, kw_only=True)
class Mismatch:
    """One difference from the expectation."""

    key: str
    expected: str
    found: str
    where: Location


@dataclass(frozen=True, kw_only=True)
class CaseTrial:
    """A case and its result."""

    name: str
    where: Location
    mismatches: tuple[Mismatch, ...]
    """Empty if everything is as expected."""
    explanation: Explanation

    @property
    def has_passed(self) -> bool:
        """Whether everything is as it was expected."""
        return not self.mismatches


def try_cases(loaded: Loaded[CasesSettings], policy: EdgePolicy, find_way: FindWay) -> Iterator[CaseTrial]:
    """Yield what comes of each case; the cases were checked against the policy."""
    for number, case in enumerate(loaded.model.case):
        live = _describe_live(policy, case)
        explanation = explain(policy, _describe_request(case), live)
        yield CaseTrial(
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


def _describe_live(policy: EdgePolicy, case: Case) -> LiveData:
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


# Checks of edge_tests.toml against its policy: names that exist, addresses that are some, cases that expect something.


def check_cases(loaded: Loaded[CasesSettings], policy: EdgePolicy) -> list[Problem]:
    """Return everything wrong with the cases, whatever becomes of their requests."""
    problems = list(_check_names(loaded))
    for number, case in enumerate(loaded.model.case):
        problems += _check_known(loaded, policy, number, case)
        problems += _check_addresses(loaded, policy, number, case)
        if not case.expect.model_fields_set:
            problems.append(
                Problem(
                    check="edge-case-expects-nothing",
                    what=f"case {case.name!r} expects nothing, so it cannot fail",
                    where=loaded.source.at("case", number, "expect"),
                    hint='Add an expectation: rule = "the-wall", status = 403, goes_on = true.',
                )
            )
    return problems


def _check_names(loaded: Loaded[CasesSettings]) -> Iterator[Problem]:
    counts: Counter[str] = Counter()
    for number, case in enumerate(loaded.model.case):
        counts[case.name] += 1
        if counts[case.name] > 1:
            yield Problem(
                check="edge-duplicate-case",
                what=f"another case is already named {case.name!r}",
                where=loaded.source.at("case", number, "name"),
                hint="Give it a unique name.",
            )


def _check_known(
    loaded: Loaded[CasesSettings], policy: EdgePolicy, number: int, case: Case
) -> Iterator[Problem]:
    rules = [rule.name for rule in policy.rules]
    switches = [its.name for its in policy.switches]
    lists = [*(its.name for its in policy.lists), *(its.name for its in policy.text_lists)]
    for path, name in _walk_rules(case):
        if name and name not in rules:
            yield _unknown(loaded, "rule", name, rules, ("case", number, *path))
    for name in case.switches:
        if name not in switches:
            yield _unknown(loaded, "switch", name, switches, ("case", number, "switches", name))
    for name in case.lists:
        if name not in lists:
            yield _unknown(loaded, "list", name, lists, ("case", number, "lists", name))


def _walk_rules(case: Case) -> Iterator[tuple[tuple[Step, ...], str]]:
    expect = case.expect
    yield ("expect", "rule"), expect.rule or ""
    for key, names in (
        ("matched", expect.matched),
        ("not_matched", expect.not_matched),
        ("limits", expect.limits or ()),
    ):
        yield from ((("expect", key, place), name) for place, name in enumerate(names))
    yield from ((("expect", "arms", name), name) for name in expect.arms)
    yield from ((("exceeded", place), name) for place, name in enumerate(case.exceeded))


def _check_addresses(
    loaded: Loaded[CasesSettings], policy: EdgePolicy, number: int, case: Case
) -> Iterator[Problem]:
    try:
        ipaddress.ip_address(case.request.ip)
    except ValueError as error:
        yield _bad_address(loaded, str(error), ("case", number, "request", "ip"))
    texts = {its.name for its in policy.text_lists}
    for name, entries in case.lists.items():
        for place, entry in enumerate(() if name in texts else entries):
            try:
                parse_network(entry)
            except ValueError as error:
                yield _bad_address(loaded, str(error), ("case", number, "lists", name, place))


def _unknown(
    loaded: Loaded[CasesSettings], noun: str, name: str, known: Collection[str], path: tuple[Step, ...]
) -> Problem:
    nearest = difflib.get_close_matches(name, known, n=1, cutoff=0.4)
    return Problem(
        check=f"edge-unknown-{noun}",
        what=f"the policy has no {noun} {name}",
        where=loaded.source.at(*path),
        hint=f"Did you mean {nearest[0]}?" if nearest else f"It has: {', '.join(known) or 'none'}.",
    )


def _bad_address(loaded: Loaded[CasesSettings], what: str, path: tuple[Step, ...]) -> Problem:
    return Problem(
        check="edge-bad-address",
        what=what,
        where=loaded.source.at(*path),
        hint="For example: 192.0.2.1, 192.0.2.0/24 or 2001:db8::/32.",
    )
