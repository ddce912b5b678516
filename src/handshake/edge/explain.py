"""What becomes of one request, and why: what a person asks at 3 am."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from handshake.edge.answers import Answer, compose_answers
from handshake.edge.arrival import Arrival, Refusal, arrive
from handshake.edge.deed import tell_deed
from handshake.edge.evaluate import Evaluator
from handshake.edge.keeping import Keeping, judge_keeping
from handshake.edge.limit import MOST_COUNTED
from handshake.edge.phase import Phase
from handshake.edge.policy import Policy, Rule
from handshake.edge.request import LiveData, Request
from handshake.edge.simulate import Verdict, follow, order_rules
from handshake.edge.why_not import Part, take_apart


@dataclass(frozen=True, kw_only=True)
class Step:
    """A rule that matched."""

    rule: str
    where: str
    """file:line."""
    phase: Phase
    condition: str
    """As it was written."""
    did: str


@dataclass(frozen=True, kw_only=True)
class WhyNot:
    """Why a rule did what it did, or nothing."""

    rule: str
    where: str
    why: str
    """One sentence."""
    parts: tuple[Part, ...]


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """What becomes of one request."""

    request: Request
    """As the rules saw it first."""
    stripped: tuple[str, ...]
    refusal: Refusal | None
    """Why no rule was asked."""
    steps: tuple[Step, ...]
    ending: str
    """The rule that answers; empty where the request goes on."""
    answers: tuple[Answer, ...]
    """What the visitor may get from the rule; empty where the connection ends without an answer."""
    goes_on: Request | None
    """The request as it goes on, where it does."""
    keeping: Keeping | None
    """What the cache keeps, where the gateway answers."""
    limits: tuple[str, ...]
    """Rules that count this request."""
    arms: Mapping[str, str]
    why: WhyNot | None
    """About the rule that was asked for."""


def explain(policy: Policy, request: Request, live: LiveData, about: Rule | None = None) -> Explanation:
    """Return what becomes of a request as the client sends it."""
    arrival = arrive(policy, request)
    if arrival.refusal:
        return _tell_refused(arrival, about)
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
            _tell_step(rule, seen[rule.name], ends=rule is verdict.ending) for rule in verdict.matched
        ),
        ending=verdict.ending.name if verdict.ending else "",
        answers=compose_answers(verdict),
        goes_on=goes_on,
        keeping=judge_keeping(verdict) if goes_on else None,
        limits=tuple(rule.name for rule in verdict.limits[:MOST_COUNTED]),
        arms=dict(verdict.request.arms),
        why=_tell_why(about, verdict, seen, evaluator, live) if about else None,
    )


def _tell_step(rule: Rule, request: Request, *, ends: bool) -> Step:
    return Step(
        rule=rule.name,
        where=_where(rule),
        phase=rule.phase,
        condition=rule.text.strip(),
        did=tell_deed(rule, request, ends=ends),
    )


def _where(rule: Rule) -> str:
    return f"{rule.where.file}:{rule.where.line}"


def _tell_refused(arrival: Arrival, about: Rule | None) -> Explanation:
    why = f"never tried: the door refuses the request before any rule ({arrival.refusal and arrival.refusal.name})"
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


def _tell_why(
    rule: Rule, verdict: Verdict, seen: Mapping[str, Request], evaluator: Evaluator, live: LiveData
) -> WhyNot:
    parts = tuple(take_apart(rule.condition, evaluator, seen.get(rule.name, verdict.request), live))
    if rule in verdict.matched:
        why = "it matched"
    elif rule.name in seen:
        why = "its condition does not hold"
    else:
        ending = f"{verdict.ending.name} ({_where(verdict.ending)})" if verdict.ending else "another rule"
        would = "would have matched" if parts[0].holds else "would not have matched"
        why = f"never tried: {ending} answered first; it {would}"
    return WhyNot(rule=rule.name, where=_where(rule), why=why, parts=parts)
