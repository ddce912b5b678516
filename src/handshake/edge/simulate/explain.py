"""What happens to one request, and why: how the ingress parses it, which rules match, and why others do not."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from handshake.edge.ingress.compile.validation import HOST, METHOD, OTHER_OPTION, SECOND_SPELLINGS
from handshake.edge.policy.actions import MOST_COUNTED, Split, cookie_of
from handshake.edge.policy.expression import (
    All,
    Any,
    Constant,
    Expression,
    IsListed,
    IsWithin,
    Not,
    NumberComparison,
    SwitchIsOn,
    Test,
    TextComparison,
    print_cel,
)
from handshake.edge.policy.networks import is_within
from handshake.edge.policy.policy import EdgePolicy, Rule
from handshake.edge.policy.request import LiveData, Request, is_stripped
from handshake.edge.policy.variables import Phase
from handshake.edge.simulate.answers import (
    CacheDecision,
    SyntheticResponse,
    compose_answers,
    judge_keeping,
    tell_deed,
)
from handshake.edge.simulate.evaluate import Evaluator, read_value
from handshake.edge.simulate.verdict import RequestVerdict, follow, order_rules

# What the ingress makes of a request before any rule is tried: whose it is, what is removed, whether it is refused.

_SPELLINGS = re.compile("|".join(SECOND_SPELLINGS), re.IGNORECASE)
_BAD_REQUEST = 400
_NOT_ALLOWED = 405


@dataclass(frozen=True, kw_only=True)
class RequestRefusal:
    """Why the ingress answers without evaluating any rule."""

    name: str
    """As named in the log."""
    why: str
    status: int


@dataclass(frozen=True, kw_only=True)
class ParsedRequest:
    """A request as the rules see it."""

    request: Request
    stripped: tuple[str, ...]
    """Headers that the ingress strips, because any client can set them."""
    refusal: RequestRefusal | None


def arrive(policy: EdgePolicy, request: Request) -> ParsedRequest:
    """Return what the ingress makes of a request as the client sends it; header names are in lower case."""
    refusals = tuple(_find_refusals(request))
    stripped = tuple(name for name in request.headers if is_stripped(name))
    headers = {name: value for name, value in request.headers.items() if name not in stripped}
    arrived = replace(
        request,
        client=_find_client(policy, request),
        host=re.sub(r":\d+$", "", request.host.lower()),
        headers=headers,
        arms=_find_arms(policy, request) | dict(request.arms),
    )
    # The ingress notes every reason, and the last one stands in the log.
    return ParsedRequest(request=arrived, stripped=stripped, refusal=refusals[-1] if refusals else None)


def _find_client(policy: EdgePolicy, request: Request) -> str:
    """Return the client: where a trusted proxy speaks, the last whom it names."""
    last = request.headers.get("x-forwarded-for", "").rpartition(",")[2].strip()
    if not last or not is_within(ipaddress.ip_address(request.client), policy.trusted_proxies):
        return request.client
    try:
        return str(ipaddress.ip_address(last))
    except ValueError:
        return request.client


def _find_arms(policy: EdgePolicy, request: Request) -> dict[str, str]:
    cookies = request.cookies
    return {
        rule.name: arm
        for rule in policy.rules
        if isinstance(rule.action, Split) and (arm := cookies.get(cookie_of(rule.name))) in rule.action.arms
    }


def _find_refusals(request: Request) -> Iterator[RequestRefusal]:
    if not request.path.startswith("/"):
        yield RequestRefusal(name="strict-path", why="the path does not start with /", status=_BAD_REQUEST)
    if found := _SPELLINGS.search(request.path):
        why = f"{found[0]!r} in the path is ambiguous"
        yield RequestRefusal(name="strict-path", why=why, status=_BAD_REQUEST)
    if re.search(OTHER_OPTION, request.headers.get("connection", ""), re.IGNORECASE):
        why = "Connection names a header that would be removed on the way"
        yield RequestRefusal(name="strict-connection", why=why, status=_BAD_REQUEST)
    if request.host and not re.search(HOST, request.host, re.IGNORECASE):
        yield RequestRefusal(name="strict-host", why="Host is not a valid name and port", status=_BAD_REQUEST)
    if request.method in {"CONNECT", "TRACE"}:
        yield RequestRefusal(
            name="strict-method", why=f"{request.method} is not allowed", status=_NOT_ALLOWED
        )
    if not re.search(METHOD, request.method):
        yield RequestRefusal(name="strict-form", why="the method is not in upper case", status=_BAD_REQUEST)


# Why a rule did not match: its condition in parts, each with what it read and whether it holds.


@dataclass(frozen=True, kw_only=True)
class ConditionPart:
    """One part of a condition."""

    depth: int
    text: str
    value: str
    """The value that was read; empty for parts that only join others."""
    holds: bool


def take_apart(
    expression: Expression, evaluator: Evaluator, request: Request, live: LiveData, depth: int = 0
) -> Iterator[ConditionPart]:
    """Yield the parts of a condition, each before those within it."""
    holds = evaluator.holds(expression, request)
    match expression:
        case Not(operand=operand):
            yield ConditionPart(depth=depth, text="not", value="", holds=holds)
            yield from take_apart(operand, evaluator, request, live, depth + 1)
        case All(operands=operands) | Any(operands=operands):
            joint = "all of" if isinstance(expression, All) else "any of"
            yield ConditionPart(depth=depth, text=joint, value="", holds=holds)
            for operand in operands:
                yield from take_apart(operand, evaluator, request, live, depth + 1)
        case test:
            yield ConditionPart(
                depth=depth, text=print_cel(test), value=_show(test, request, live), holds=holds
            )


def _show(test: Test, request: Request, live: LiveData) -> str:
    match test:
        case Constant():
            return ""
        case SwitchIsOn(name=name):
            return "on" if name in live.switches_on else "off"
        case IsWithin():
            return request.client
        case IsListed(reads=reads) | TextComparison(reads=reads) | NumberComparison(reads=reads):
            value = read_value(reads, request)
            return f'"{value}"' if isinstance(value, str) else str(value)


@dataclass(frozen=True, kw_only=True)
class Step:
    """A rule that matched."""

    rule: str
    where: str
    """file:line."""
    phase: Phase
    condition: str
    """As written."""
    did: str


@dataclass(frozen=True, kw_only=True)
class WhyNot:
    """Why a rule had its effect, or an empty text."""

    rule: str
    where: str
    why: str
    """One sentence."""
    parts: tuple[ConditionPart, ...]


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What happens to one request."""

    request: Request
    """As rules saw it first."""
    stripped: tuple[str, ...]
    refusal: RequestRefusal | None
    """Why no rule was evaluated."""
    steps: tuple[Step, ...]
    ending: str
    """The rule that answers; empty if the request is forwarded."""
    answers: tuple[SyntheticResponse, ...]
    """The possible answers of the rule; empty if the connection is closed without an answer."""
    goes_on: Request | None
    """The forwarded request, if it is forwarded."""
    keeping: CacheDecision | None
    """What the cache stores, if the gateway answers."""
    limits: tuple[str, ...]
    """Rules that count this request."""
    arms: Mapping[str, str]
    why: WhyNot | None
    """About the rule in question."""


def explain(policy: EdgePolicy, request: Request, live: LiveData, about: Rule | None = None) -> Explanation:
    """Return what happens to a request as the client sends it."""
    arrival = arrive(policy, request)
    if arrival.refusal:
        return _describe_refused(arrival, about)
    evaluator = Evaluator(policy, live)
    seen: dict[str, Request] = {}

    def holds(rule: Rule, request: Request) -> bool:
        seen[rule.name] = request
        return evaluator.holds(rule.condition, request)

    verdict = follow(order_rules(policy), arrival.request, live.exceeded, holds)
    goes_on = None if verdict.ending else verdict.request
    return Explanation(
        request=arrival.request,
        stripped=arrival.stripped,
        refusal=None,
        steps=tuple(
            _describe_step(rule, seen[rule.name], ends=rule is verdict.ending) for rule in verdict.matched
        ),
        ending=verdict.ending.name if verdict.ending else "",
        answers=compose_answers(verdict),
        goes_on=goes_on,
        keeping=judge_keeping(verdict) if goes_on else None,
        limits=tuple(rule.name for rule in verdict.limits[:MOST_COUNTED]),
        arms=dict(verdict.request.arms),
        why=_describe_why(about, verdict, seen, evaluator, live) if about else None,
    )


def _describe_step(rule: Rule, request: Request, *, ends: bool) -> Step:
    return Step(
        rule=rule.name,
        where=_where(rule),
        phase=rule.phase,
        condition=rule.text.strip(),
        did=tell_deed(rule, request, ends=ends),
    )


def _where(rule: Rule) -> str:
    return f"{rule.where.file}:{rule.where.line}"


def _describe_refused(arrival: ParsedRequest, about: Rule | None) -> Explanation:
    why = f"not evaluated: the ingress refuses the request before any rule ({arrival.refusal and arrival.refusal.name})"
    return Explanation(
        request=arrival.request,
        stripped=arrival.stripped,
        refusal=arrival.refusal,
        steps=(),
        ending="",
        answers=(),
        goes_on=None,
        keeping=None,
        limits=(),
        arms={},
        why=WhyNot(rule=about.name, where=_where(about), why=why, parts=()) if about else None,
    )


def _describe_why(
    rule: Rule, verdict: RequestVerdict, seen: Mapping[str, Request], evaluator: Evaluator, live: LiveData
) -> WhyNot:
    parts = tuple(take_apart(rule.condition, evaluator, seen.get(rule.name, verdict.request), live))
    if rule in verdict.matched:
        why = "it matched"
    elif rule.name in seen:
        why = "its condition does not hold"
    else:
        ending = f"{verdict.ending.name} ({_where(verdict.ending)})" if verdict.ending else "another rule"
        would = "would have matched" if parts[0].holds else "would not have matched"
        why = f"not evaluated: {ending} answered first; it {would}"
    return WhyNot(rule=rule.name, where=_where(rule), why=why, parts=parts)
